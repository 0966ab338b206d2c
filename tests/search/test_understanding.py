"""What holds for reading any words at all; what single utterances mean is in utterances.jsonl."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guides.document import Division
from indexer.analysis import Analyzer
from indexer.folding import fold
from indexer.lexicon import DepartmentEntry, ItemEntry, Lexicon
from search.understanding import Chip, Understanding

CITY, EAST, WEST = "100000", "100100", "100200"


def division(code: str, name: str, level: str, parent: str | None, *aliases: str) -> Division:
    return Division.model_validate(
        {"code": code, "name": name, "level": level, "parent_code": parent, "aliases": list(aliases)}
    )


def item(code: str, *texts: str) -> ItemEntry:
    return ItemEntry(code, texts[0], "民政", 1, texts, tuple("" for _ in texts), tuple("" for _ in texts))


# Another city than the sample's: nothing of Harbin may be needed to read.
DIVISIONS = (
    division(CITY, "青河市", "city", None, "青河"),
    division(EAST, "青东区", "district", CITY, "青东", "老东关区"),
    division(WEST, "平房区", "district", CITY, "平房"),
    division("100100001", "柳荫街道", "street", EAST, "柳荫", "柳荫街道办事处"),
    division("100100101", "向阳镇", "street", EAST, "向阳"),
    division("100200101", "向阳镇", "street", WEST, "向阳"),
)
DEPARTMENTS = (
    DepartmentEntry("D1", "青河市民政局", "民政", CITY),
    DepartmentEntry("D2", "青河市青东区住房和城乡建设局", "住房城乡建设", EAST),
)
ALIASES = {"民政": ("民政局", "婚姻登记处"), "住房城乡建设": ("住建局", "房产局"), "自然资源": ("国土局", "房产局")}
ITEMS = (item("1", "个人参保证明打印", "个人参保证明"), item("2", "停车收费标准核定"), item("3", "结婚登记"))


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    words = [d.name for d in DIVISIONS] + [a for d in DIVISIONS if d.level != "street" for a in d.aliases]
    words += [name for names in ALIASES.values() for name in names]
    lexicon = Lexicon(DIVISIONS, DEPARTMENTS, ALIASES, (), ITEMS, tuple(words))
    return Understanding(lexicon, Analyzer(lexicon.words))


PIECES = [
    *("青河市", "青东区", "青东", "老东关区", "平房", "平房区", "柳荫街道", "柳荫", "向阳镇", "我们区", "政府", "这边"),
    *("民政局", "房产局", "住建局", "婚姻登记处", "住房和城乡建设局", "个人", "企业", "我公司", "本人", "法人"),
    *("多少钱", "带啥", "要什么材料", "材料", "电话", "改", "几天能下来", "搁哪办", "归谁管", "啥条件", "办到哪了"),
    *("嗯", "那个", "请问一下", "咋", "吗", "呗", "谢谢", "先", "流程", "我在", "从", "的", "在", "去", "和"),
    *("结婚登记", "个人参保证明", "停车收费标准核定", "身份证丢了", "网吧", "大街", "路", "证明", "知道", "八十岁"),
    *(" ", "，", "？", "😀", "a", "1", "２", "證", "\ud800", "\x00", "\u200d", "("),
]
SAID = st.one_of(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.text(max_size=30))
MANY = settings(
    max_examples=6 * settings.default.max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def meaning(chip: Chip) -> tuple[str, str, str]:
    return chip.kind, chip.value, chip.words


@MANY
@given(SAID)
def test_reading_never_raises_and_keeps_each_kind_once(understanding: Understanding, text: str) -> None:
    understood = understanding.read(text)
    kinds = [chip.kind for chip in understood.chips]
    assert len(kinds) == len(set(kinds))
    assert understood.folded == fold(text)


@MANY
@given(SAID)
def test_spans_lie_within_the_words_and_apart(understanding: Understanding, text: str) -> None:
    understood = understanding.read(text)
    spans = sorted(span for chip in understood.chips for span in chip.spans)
    edges = [0, *(edge for span in spans for edge in span), len(understood.folded)]
    assert edges == sorted(edges)
    assert all(start < end for start, end in spans)


@MANY
@given(SAID)
def test_a_chip_s_words_are_what_taking_it_off_takes(understanding: Understanding, text: str) -> None:
    understood = understanding.read(text)
    for chip in understood.chips:
        kept = [c for i, c in enumerate(understood.folded) if not any(start <= i < end for start, end in chip.spans)]
        assert "".join(understood.without(chip).split()) == "".join("".join(kept).split())
        assert chip.words == " ".join(understood.folded[start:end] for start, end in chip.spans)


@MANY
@given(SAID)
def test_a_chip_taken_off_does_not_come_back(understanding: Understanding, text: str) -> None:
    understood = understanding.read(text)
    # An ambiguous name that was none beside other words (平房拆迁) is one where they are gone and it stands alone.
    sure = [chip for chip in understood.chips if chip.words != "平房"]
    for chip in sure:
        again = understanding.read(understood.without(chip))
        assert meaning(chip) not in map(meaning, again.chips)
    again = understanding.read(understood.without(*understood.chips))
    assert not set(map(meaning, sure)) & set(map(meaning, again.chips))


@MANY
@given(SAID)
def test_what_is_left_was_said(understanding: Understanding, text: str) -> None:
    understood = understanding.read(text)
    said = iter(understood.folded)
    assert all(char in said for char in understood.text.replace(" ", ""))


@pytest.mark.parametrize("length", [200, 5_000])
@pytest.mark.parametrize("piece", ["电话", "平房区", "这边", "个人", "材料电话", "柳荫街道政府", "先"])
def test_a_very_long_text_is_read(understanding: Understanding, piece: str, length: int) -> None:
    understanding.read(piece * length)


def test_an_authority_s_full_name_is_a_place_and_a_line_of_government(understanding: Understanding) -> None:
    understood = understanding.read("青河市青东区住房和城乡建设局电话")
    assert (understood.value("division"), understood.value("department")) == (EAST, "住房城乡建设")


def test_of_two_places_of_one_name_the_one_below_a_place_said_counts_even_if_that_is_said_later(
    understanding: Understanding,
) -> None:
    assert understanding.read("向阳镇低保 平房区").value("division") == "100200101"
    assert understanding.read("向阳镇低保").value("division") == "100100101"


def test_a_place_said_twice_is_one_chip_that_goes_at_once(understanding: Understanding) -> None:
    understood = understanding.read("青东区户口，青东区能办低保吗")
    [chip] = understood.chips
    assert understood.without(chip) == "户口, 能办低保吗"
