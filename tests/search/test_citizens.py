"""What citizens say in their own words is understood, and answered within the first three results.

questions.jsonl and utterances.jsonl are the judgement; when one fails, it is the search that is wrong, or the judgement
must be changed for a reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from banshi.composition import Application
from search.request import SearchRequest

HERE = Path(__file__).parent
FIRST = 3
KINDS = ("division", "department", "applicant", "aspect")


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def question_id(question: dict[str, Any]) -> str:
    return f"{question['query']}@{question['division'] or '全市'}"


def utterance_id(utterance: dict[str, Any]) -> str:
    return str(utterance["text"])


@pytest.mark.parametrize("question", lines("questions.jsonl"), ids=question_id)
def test_a_citizens_question_is_answered_within_the_first_three(sample: Application, question: dict[str, Any]) -> None:
    response = sample.search.search(SearchRequest(text=question["query"], division=question["division"]))
    shown = [result.title for result in response.results[:FIRST]]
    assert set(shown) & set(question["expected"]), f"{shown} holds none of {question['expected']}"


@pytest.mark.parametrize("utterance", lines("utterances.jsonl"), ids=utterance_id)
def test_an_utterance_is_understood_as_a_person_would(sample: Application, utterance: dict[str, Any]) -> None:
    understood = sample.search.language.understanding.read(utterance["text"])
    found = {"text": utterance["text"], **{kind: understood.value(kind) for kind in KINDS}, "left": understood.text}
    assert found == utterance
