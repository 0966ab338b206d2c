from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import pinyin
from indexer.analysis import Analyzer, exact_key
from indexer.folding import fold

ANALYZER = Analyzer(["居民身份证", "道里区"])
anything = st.text(max_size=200)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("身份證丟了", "身份证丢了"),
        ("辦營業執照", "办营业执照"),
        ("ＡＢＣ１２３", "abc123"),
        ("年满六十岁", "年满60岁"),
        ("十六周岁", "16周岁"),
        ("三孩", "3孩"),
        ("三个月内", "3个月内"),
        ("九月要上学", "9月要上学"),
        ("三月街", "三月街"),
        ("一次性告知", "一次性告知"),
        ("千万不要", "千万不要"),
        ("五保户", "五保户"),
        ("  a \t b\n", "a b"),
        ("身份证😀", "身份证"),
        pytest.param("身\ud800份\x00证", "身 份 证", id="half a surrogate"),
        ("（含保健食品）", "(含保健食品)"),
    ],
)
def test_what_differs_only_in_form_is_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(anything)
def test_folding_takes_any_text_and_folding_again_changes_nothing(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    folded.encode("utf-8")


@given(st.text(st.characters(codec="utf-8") | st.characters(categories=["Cs"]), max_size=50))
def test_analysis_takes_any_text(text: str) -> None:
    ANALYZER.index_tokens(text)
    ANALYZER.bigrams(text)
    ANALYZER.query_tokens(text)
    exact_key(text)
    pinyin.initials(text)


def test_the_index_holds_long_words_and_the_words_inside_them() -> None:
    assert ANALYZER.index_tokens("居民身份证补领").split() == ["居民", "身份", "身份证", "居民身份证", "补领"]


def test_a_query_is_read_one_way_only() -> None:
    assert ANALYZER.query_tokens("居民身份证补领") == ["居民身份证", "补领"]


@given(st.text(st.sampled_from("居民身份证补领换户口本办理营业执照"), min_size=1, max_size=12))
def test_every_query_token_is_found_in_the_same_text_indexed(text: str) -> None:
    assert set(ANALYZER.query_tokens(text)) <= set(ANALYZER.index_tokens(text).split())


def test_bigrams_cover_words_that_jieba_does_not_know() -> None:
    assert ANALYZER.bigrams("身份证ABC丢了x证") == "身份 份证 丢了 证"


@pytest.mark.parametrize(
    ("text", "initials"), [("营业执照", "yyzz"), ("身份证丢了", "sfzdl"), ("12345热线", "12345rx")]
)
def test_initials_are_those_of_the_syllables(text: str, initials: str) -> None:
    assert pinyin.initials(text) == initials


def test_the_exact_key_ignores_punctuation_and_width() -> None:
    assert exact_key("食品（含保健食品）经营许可") == exact_key("食品(含保健食品)经营许可 ")
