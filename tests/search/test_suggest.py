"""Suggestions while typing: what is found by which beginning, in which order, and that nothing typed can break it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banshi.composition import Application
from indexer import pinyin
from indexer.lexicon import Frequencies, ItemEntry, Lexicon
from search import typed
from search.suggest import MAX_PREFIX_CHARACTERS, Suggester, Suggestion

SECTORS = {
    "公安": ("公安局", "派出所"),
    "公安交管": ("车管所", "交警队"),
    "人力资源社会保障": ("人社局", "社保局"),
    "住房公积金": ("公积金中心",),
    "自然资源和规划": ("房产局", "规划局"),
    "住房城乡建设": ("住建局", "房产局"),
}


def item(code: str, name: str, *aliases: str, popularity: int = 0, sector: str = "公安") -> ItemEntry:
    texts = (name, *aliases)
    return ItemEntry(
        code=code,
        name=name,
        sector=sector,
        popularity=popularity,
        texts=texts,
        syllables=tuple(" ".join(pinyin.syllables(text)) for text in texts),
        initials=tuple(pinyin.initials(text) for text in texts),
    )


ITEMS = (
    item("lost", "居民身份证补领", "身份证丢了", "身份证", "补身份证", popularity=5),
    item("renew", "居民身份证换领", "身份证到期", "身份证", popularity=5),
    item("shop", "个体工商户设立登记", "营业执照", "办营业执照", "开饭店", popularity=4, sector="市场监督管理"),
    item("close", "个体工商户注销登记", "营业执照注销", popularity=2, sector="市场监督管理"),
    item("insurance", "社会保险费缴纳", "社保", "交社保", popularity=4, sector="人力资源社会保障"),
    item("fund", "住房公积金提取", "取公积金", popularity=3, sector="住房公积金"),
    item("exam", "机动车驾驶证申领", "C1驾照", "想考驾照", "十年没开车", popularity=3, sector="公安交管"),
    item("help", "临时救助给付", "帮帮我", "办救助"),
    item("house", "女方落户", popularity=1),
    item("fair", "三月街摊位登记", sector="市场监督管理"),
)


def lexicon(*items: ItemEntry) -> Lexicon:
    return Lexicon((), (), dict(SECTORS), (), items, (), Frequencies({}, {}, {}))


@pytest.fixture(scope="module")
def suggester() -> Suggester:
    return Suggester(lexicon(*ITEMS))


def items(found: list[Suggestion]) -> list[str]:
    return [suggestion.item_code for suggestion in found if suggestion.kind == "item"]


def departments(found: list[Suggestion]) -> list[str]:
    return [suggestion.title for suggestion in found if suggestion.kind == "department"]


@pytest.mark.parametrize(
    ("prefix", "code", "text"),
    [
        ("营业", "shop", "营业执照"),
        ("營業執照", "shop", "营业执照"),
        ("yingye", "shop", "营业执照"),
        ("yingyezh", "shop", "营业执照"),
        ("ying ye zhi zhao", "shop", "营业执照"),
        ("ying'ye", "shop", "营业执照"),
        ("YINGYE", "shop", "营业执照"),
        ("ｙｙｚｚ", "shop", "营业执照"),
        ("yíngyè", "shop", "营业执照"),
        ("y", "shop", "营业执照"),
        ("yyzz", "shop", "营业执照"),
        ("yingyezz", "shop", "营业执照"),
        ("yyezhiz", "shop", "营业执照"),
        ("ban营业zhi", "shop", "办营业执照"),
        ("b营业zz", "shop", "办营业执照"),
        ("办yingyezhi", "shop", "办营业执照"),
        ("营业z", "shop", "营业执照"),
        ("执照zx", "close", "营业执照注销"),
        ("zhizhaozhu", "close", "营业执照注销"),
        ("营业直照", "shop", "营业执照"),
        ("影业执照", "shop", "营业执照"),
        ("yinyezizao", "shop", "营业执照"),
        ("shenfengzeng", "lost", "身份证"),
        ("sengfenzheng", "lost", "身份证"),
        ("c1", "exam", "C1驾照"),
        ("c1jia", "exam", "C1驾照"),
        ("10年", "exam", "十年没开车"),
        ("10nian", "exam", "十年没开车"),
        ("nv", "house", "女方落户"),
        ("sanyuejie", "fair", "三月街摊位登记"),
        ("syjtw", "fair", "三月街摊位登记"),
        ("nǚfāng", "house", "女方落户"),
    ],
)
def test_a_service_is_found_by_characters_pinyin_initials_and_what_mixes_them(
    suggester: Suggester, prefix: str, code: str, text: str
) -> None:
    first = suggester.suggest(prefix)[0]
    assert (first.item_code, first.text, first.kind) == (code, text, "item")


def test_a_word_inside_a_name_is_found_after_names_that_begin_with_it(suggester: Suggester) -> None:
    assert items(suggester.suggest("公积金")) == ["fund"]
    assert suggester.suggest("执照")[0].text in ("营业执照", "营业执照注销")
    assert items(suggester.suggest("驾照"))[0] == "exam"


def test_a_whole_syllable_comes_before_the_beginning_of_another(suggester: Suggester) -> None:
    assert [s.text for s in suggester.suggest("ban")][:2] == ["办营业执照", "办救助"]
    assert Suggester(lexicon(item("a", "帮扶"), item("b", "办证"))).suggest("ban")[0].text == "办证"


def test_what_is_called_exactly_so_comes_first_however_rare(suggester: Suggester) -> None:
    rare = item("rare", "身份", popularity=0)
    assert items(Suggester(lexicon(*ITEMS, rare)).suggest("身份"))[0] == "rare"


def test_among_equals_the_popular_come_first_and_then_the_used() -> None:
    texts = [item("a", "救助甲"), item("b", "救助乙", popularity=3), item("c", "救助丙")]
    assert items(Suggester(lexicon(*texts)).suggest("救助"))[0] == "b"
    assert items(Suggester(lexicon(*texts), {"c": 40, "a": 2}).suggest("救助")) == ["b", "c", "a"]


def test_an_item_is_suggested_once_and_by_its_best_text(suggester: Suggester) -> None:
    found = suggester.suggest("营业执照")
    assert [(s.item_code, s.text) for s in found] == [("shop", "营业执照"), ("close", "营业执照注销")]


def test_a_text_of_two_services_is_suggested_once_and_the_other_by_another_text(suggester: Suggester) -> None:
    found = suggester.suggest("身份证")
    assert [s.text for s in found if s.text == "身份证"] == ["身份证"]
    assert sorted(items(found)) == ["lost", "renew"]


def test_the_official_name_stands_beside_the_text(suggester: Suggester) -> None:
    (first, *_) = suggester.suggest("交社保")
    assert (first.text, first.title, first.sector) == ("交社保", "社会保险费缴纳", "人力资源社会保障")
    assert first.url == "/search?q=%E4%BA%A4%E7%A4%BE%E4%BF%9D"


@pytest.mark.parametrize(
    ("prefix", "department", "text"),
    [
        ("社保", "人力资源社会保障", "社保局"),
        ("shebao", "人力资源社会保障", "社保局"),
        ("sbj", "人力资源社会保障", "社保局"),
        ("公积金中心", "住房公积金", "公积金中心"),
        ("gjjzx", "住房公积金", "公积金中心"),
        ("公积金", "住房公积金", "公积金中心"),
        ("车管所", "公安交管", "车管所"),
        ("社会保障", "人力资源社会保障", "人力资源社会保障"),
    ],
)
def test_a_department_is_found_by_its_names(suggester: Suggester, prefix: str, department: str, text: str) -> None:
    found = [s for s in suggester.suggest(prefix) if s.kind == "department"]
    assert [(s.title, s.sector, s.text, s.item_code) for s in found] == [(department, department, text, "")]
    assert found[0].url.startswith("/search?department=%")


def test_a_department_called_exactly_so_comes_first_and_another_last(suggester: Suggester) -> None:
    assert suggester.suggest("公安")[0].kind == "department"
    assert [s.kind for s in suggester.suggest("社保")] == ["item", "department"]


def test_departments_that_share_a_name_are_both_suggested(suggester: Suggester) -> None:
    assert set(departments(suggester.suggest("房产局"))) == {"自然资源和规划", "住房城乡建设"}


@pytest.mark.parametrize("prefix", ["公", "s", "sb", "ban", "中心", "局"])
def test_too_little_means_no_department(suggester: Suggester, prefix: str) -> None:
    assert departments(suggester.suggest(prefix)) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 8, 20])
def test_departments_leave_room_for_services(limit: int) -> None:
    many = [item(f"{number}", f"社保业务第{number}种") for number in range(30)]
    found = Suggester(lexicon(*many)).suggest("社保", limit)
    assert len(found) == limit
    assert len(departments(found)) == (1 if limit >= 4 else 0)


@pytest.mark.parametrize("limit", [-1, 0])
def test_of_none_there_are_none(suggester: Suggester, limit: int) -> None:
    assert suggester.suggest("身份证", limit) == []


@pytest.mark.parametrize(
    ("text", "typed_text", "part"),
    [
        ("办营业执照", "营业", "营业"),
        ("办营业执照", "yyzz", "营业执照"),
        ("办营业执照", "yingyez", "营业执"),
        ("办营业执照", "ban营业", "办营业"),
        ("办营业执照", "营业直照", "营业执照"),
        ("办营业执照", "yinyezi", "营业执"),
        ("新办（一照一码）登记", "yzym", "一照一码"),
        ("C1驾照", "c1j", "C1驾"),
        ("十年没开车", "10nian", "十年"),
        ("办营业执照", "huzhao", ""),
        ("", "huzhao", ""),
    ],
)
def test_what_was_typed_of_a_text_is_marked(text: str, typed_text: str, part: str) -> None:
    spans = typed.marks(text, " ".join(pinyin.syllables(text)), typed_text)
    assert "".join(text[start:end] for start, end in spans) == part


ODD = ["", " ", "。", "（）", "😀", "👨‍👩‍👧", "\ud800", "a\udfff证", "\x00", "\n", "%", ".*", "(", "[a-z", "\\", "'; drop", "证" * 10_000,
       "n" * 10_000, "zh" * 50, "an" * 25, "营业" * 3_000 + "zz", "ü", "é", "かな", "한글", "𠀀", "〇", "々", "１２３", "½", "ﬁ", "İ", "ß"]  # fmt: skip


@pytest.mark.parametrize("prefix", ODD, ids=range(len(ODD)))
def test_whatever_is_typed_is_answered(suggester: Suggester, prefix: str) -> None:
    assert len(suggester.suggest(prefix)) <= 8


def test_only_the_first_characters_count(suggester: Suggester) -> None:
    assert suggester.suggest("营业执照" + " " * MAX_PREFIX_CHARACTERS + "x") == suggester.suggest("营业执照")


LETTERS = st.text(st.sampled_from("angyezhi营业执照办身1 '（"), max_size=60)


@given(prefix=st.text(max_size=60) | st.text(st.characters(), max_size=60) | LETTERS, limit=st.integers(0, 20))
def test_no_beginning_ever_raises_or_gives_too_many_or_the_same_twice(prefix: str, limit: int) -> None:
    found = _SUGGESTER.suggest(prefix, limit)
    assert len(found) <= limit
    assert max(Counter(items(found)).values(), default=1) == 1
    assert max(Counter(s.text for s in found if s.kind == "item").values(), default=1) == 1
    for suggestion in found:
        for start, end in suggestion.highlights:
            assert 0 <= start < end <= len(suggestion.text)


@given(name=st.text(max_size=30), alias=st.text(max_size=30), prefix=st.text(max_size=5))
def test_no_text_of_a_catalogue_breaks_it(name: str, alias: str, prefix: str) -> None:
    own = Suggester(lexicon(item("odd", name, alias)))
    own.suggest(prefix)
    if typed.squeezed(name):
        assert "odd" in items(own.suggest(name)) or len(name) > MAX_PREFIX_CHARACTERS


_SUGGESTER = Suggester(lexicon(*ITEMS))


@pytest.mark.parametrize(
    ("prefix", "title"),
    [
        ("yyzz", "个体工商户设立登记"),
        ("sfz", "居民身份证补领"),
        ("shebaoka", "社会保障卡补领、换领、换发"),
        ("办hu照", "普通护照签发"),
        ("低保", "最低生活保障对象认定、最低生活保障金给付"),
    ],
)
def test_in_the_whole_catalogue_the_usual_comes_first(sample: Application, prefix: str, title: str) -> None:
    assert sample.search.suggest(prefix)[0].title == title
