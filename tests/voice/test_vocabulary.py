from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banshi.composition import Application
from voice import biasing
from voice.vocabulary import Vocabulary, coverage, spoken_runs

WORDS = ("身份证", "身份", "证", "补", "补办", "办", "怎么")


@pytest.fixture(scope="module")
def vocabulary(sample: Application) -> Vocabulary:
    return Vocabulary.read(sample.models.find("banshi-small-cn-0.1").word_table)


def test_a_text_is_cut_into_the_fewest_words_that_the_model_has() -> None:
    vocabulary = Vocabulary(WORDS)
    assert vocabulary.segment("身份证怎么补办") == ["身份证", "怎么", "补办"]
    assert vocabulary.segment("身份证丢") is None
    assert vocabulary.segment("") == []


@given(st.text(st.sampled_from("身份证补办怎么"), max_size=20))
def test_what_is_cut_is_the_text_itself_in_known_words(text: str) -> None:
    vocabulary = Vocabulary(WORDS)
    words = vocabulary.segment(text)
    if words is not None:
        assert "".join(words) == text
        assert set(words) <= vocabulary.words


def test_entries_of_the_table_that_are_no_words_are_left_out(vocabulary: Vocabulary) -> None:
    assert "身份证" in vocabulary.words
    assert not {"<eps>", "#0", "[unk]"} & vocabulary.words


def test_only_chinese_characters_can_be_spoken() -> None:
    assert spoken_runs("《出生医学证明》A4（补发）") == ["出生医学证明", "补发"]


def test_what_the_model_cannot_write_is_reported_by_kind(sample: Application, vocabulary: Vocabulary) -> None:
    language = sample.search.language
    report = {kind.kind: kind for kind in coverage(language.lexicon, language.analyzer, vocabulary)}
    assert set(report) == {"item_name", "saying", "division", "department"}
    for kind in report.values():
        assert kind.words > 0
        assert all(vocabulary.segment(word) for word, _count in kind.in_parts)
        assert all(vocabulary.segment(word) is None for word, _count in kind.missing)
        counts = [count for _word, count in kind.missing]
        assert counts == sorted(counts, reverse=True)


def test_the_grammar_holds_names_sayings_places_and_manners_in_words_of_the_model(sample, vocabulary) -> None:
    language = sample.search.language
    phrases = json.loads(biasing.grammar(language.lexicon, language.analyzer, vocabulary))
    joined = {phrase.replace(" ", "") for phrase in phrases}
    assert {"居民身份证补领", "道里区", "社保局", "怎么办", "要带什么"} <= joined
    assert {word for phrase in phrases for word in phrase.split()} <= vocabulary.words
    assert {"朋友", "今天", "一个"} <= joined, "the commonest words of the language"
