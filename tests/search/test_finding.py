"""Sounds, initials, synonyms, confidence: each on a catalogue small enough to reckon what must come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banshi.composition import Application
from banshi.settings import Settings
from guides import words
from indexer import pinyin
from indexer.analysis import exact_key
from indexer.rebuild import rebuild
from search.request import SearchRequest
from search.results import SearchResponse
from search.service import SearchService
from tests import catalogue

ITEMS = [
    catalogue.item(1, "居民身份证补领", aliases=["身份证丢了", "补身份证"], popularity=5),
    catalogue.item(
        2, "个体工商户设立登记", sector="市场监管", aliases=["办营业执照", "开饭店", "开面馆"], popularity=4
    ),
    catalogue.item(3, "不动产转移登记（继承）", sector="民政", aliases=["父母去世房子过户", "继承房子"], popularity=2),
    catalogue.item(4, "养犬登记", aliases=["养狗", "狗证"], popularity=3),
    catalogue.item(5, "公证员执业许可", sector="民政", aliases=["当公证员"]),
    catalogue.item(6, "普通护照签发", aliases=["办护照"], popularity=3),
]
GUIDES = [catalogue.guide(item, "230102") for item in ITEMS]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchService]:
    folder: Path = tmp_path_factory.mktemp("finding")
    catalogue.filled_database(folder, ITEMS, GUIDES, ("公安", "市场监管", "民政")).close()
    application = Application(Settings(data=folder))
    rebuild(application.database, application.index_folder, processes=1)
    yield application.search
    application.database.close()


def ask(service: SearchService, text: str) -> SearchResponse:
    return service.search(SearchRequest(text=text, division="道里区"))


def first(service: SearchService, text: str) -> str:
    return ask(service, text).results[0].title


@pytest.mark.parametrize(
    "text",
    ["营业执照", "yingyezhizhao", "ying ye zhi zhao", "yyzz", "营业只照", "盈业执找", "ban营业zhizhao", "YINGYEZHIZHAO",
     "营业直照", "營業執照", "yinyezizao"],
)  # fmt: skip
def test_a_licence_is_found_however_it_is_spelled(service: SearchService, text: str) -> None:
    assert first(service, text) == "个体工商户设立登记"


@pytest.mark.parametrize("text", ["sfz", "身分正丢了", "shenfenzheng diule"])
def test_an_identity_card_is_found_by_initials_and_by_sound(service: SearchService, text: str) -> None:
    assert first(service, text) == "居民身份证补领"


def test_what_was_meant_by_its_sound_is_offered(service: SearchService) -> None:
    assert ask(service, "营业只照").suggestions == ["办营业执照"]
    assert ask(service, "营业执照").suggestions == []


def test_a_synonym_finds_what_is_called_otherwise(service: SearchService) -> None:
    assert first(service, "爹没了房子咋整") == "不动产转移登记（继承）"


def test_one_saying_that_fits_outweighs_words_lent_by_many(service: SearchService) -> None:
    assert first(service, "想开个面馆") == "个体工商户设立登记"


@pytest.mark.parametrize("text", ["今天天气怎么样", "买火车票", "啊啊啊啊", "支付宝解绑银行卡", "asdfgh"])
def test_what_has_no_answer_is_not_answered_with_confidence(service: SearchService, text: str) -> None:
    response = ask(service, text)
    assert (response.total, response.results) == (0, [])


def test_advice_says_where_to_turn_with_what_is_no_business_of_the_government(service: SearchService) -> None:
    advice = ask(service, "买火车票").advice
    assert advice is not None
    assert "12306" in advice
    assert ask(service, "身份证").advice is None


def test_a_word_of_elsewhere_does_not_hide_what_fits(service: SearchService) -> None:
    assert first(service, "养狗") == "养犬登记"


def test_another_city_is_elsewhere_only_where_the_query_begins_with_it(service: SearchService) -> None:
    assert ask(service, "北京小客车摇号").results == []
    assert ask(service, "去北京要办护照").results[0].title == "普通护照签发"


def test_a_department_named_alone_shows_what_it_does_in_the_order_of_its_name(service: SearchService) -> None:
    response = ask(service, "民政局")
    assert response.total == 2
    assert {result.title for result in response.results} == {"不动产转移登记（继承）", "公证员执业许可"}


def test_a_clerks_best_bet_comes_first_and_a_clerks_synonym_is_understood(tmp_path: Path) -> None:
    database = catalogue.filled_database(tmp_path, ITEMS, GUIDES, ("公安", "市场监管", "民政"))
    with database.writing() as connection:
        words.add_best_bet(connection, "小动物的事", ITEMS[3].code, key=exact_key)
        words.add_synonyms(connection, ["养狗", "铲屎官"])
    application = Application(Settings(data=tmp_path))
    rebuild(database, application.index_folder, processes=1)
    assert first(application.search, "小动物的事") == "养犬登记"
    assert first(application.search, "铲屎官") == "养犬登记"
    database.close()
    application.database.close()


def test_pages_beyond_the_first_go_on_where_it_ended(service: SearchService) -> None:
    every = ask(service, "登记").results
    one_by_one = [
        service.search(SearchRequest(text="登记", division="道里区", page=n, size=1)).results[0]
        for n in range(1, len(every) + 1)
    ]
    assert [r.code for r in one_by_one] == [r.code for r in every]


@pytest.mark.parametrize(
    ("letters", "syllables"),
    [
        ("yingyezhizhao", ("ying", "ye", "zhi", "zhao")),
        ("lvshi", ("lv", "shi")),
        ("yyzz", None),
        ("xian", ("xian",)),
        ("hello", None),
    ],
)
def test_letters_are_cut_into_syllables(letters: str, syllables: tuple[str, ...] | None) -> None:
    assert pinyin.split_pinyin(letters) == syllables


@pytest.mark.parametrize(
    ("one", "other"),
    [("营业执照", "yinyezizao"), ("农民", "龙民"), ("福利", "狐狸"), ("热水", "乐水"), ("身份", "深奋")],
)
def test_what_is_confused_sounds_the_same(one: str, other: str) -> None:
    assert pinyin.sounds(one) == pinyin.sounds(other)


@given(st.text(max_size=40))
def test_sounds_of_any_text_never_raise(text: str) -> None:
    assert all(isinstance(sound, str) and sound for sound in pinyin.sounds(text))


def test_initials_stand_for_runs_of_words() -> None:
    assert list(pinyin.initials_of_words(["办", "营业", "执照"])) == ["byy", "byyzz", "yy", "yyzz", "zz"]
