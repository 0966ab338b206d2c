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
FLOOR = 0.85
"""The share that must be answered: 71 of 80 are, so a change that loses four fails."""
MUST = [
    "身份证丢了",
    "开饭店",
    "宝宝刚生下来咋给上户口",
    "驾照丢了咋补",
    "我俩五月份领证，用带户口本不",
    "老板压着工资不给开，上哪告去",
    "社保卡掰折了",
    "我妈要去北京看病，回来能报销不",
    "租房子能不能把公积金取出来",
    "怀孕了得上哪登个记",
    "爹没了，他的房子咋过到我名下",
    "想整点小买卖手里没本钱，能贷款不",
    "我们从外地来哈打工，娃该上一年级了咋报名",
    "刚当兵回来去哪报到，带啥",
    "开个理发店卫生那块得办啥",
]
KINDS = ("division", "department", "applicant", "aspect")


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def question_id(question: dict[str, Any]) -> str:
    return f"{question['query']}@{question['division'] or '全市'}"


def utterance_id(utterance: dict[str, Any]) -> str:
    return str(utterance["text"])


def is_answered(sample: Application, question: dict[str, Any]) -> bool:
    response = sample.search.search(SearchRequest(text=question["query"], division=question["division"]))
    return bool({result.title for result in response.results[:FIRST]} & set(question["expected"]))


def test_citizens_questions_are_answered_within_the_first_three(sample: Application) -> None:
    questions = lines("questions.jsonl")
    missed = [question["query"] for question in questions if not is_answered(sample, question)]
    assert 1 - len(missed) / len(questions) >= FLOOR, missed


@pytest.mark.parametrize("query", MUST, ids=str)
def test_what_people_ask_most_is_answered_within_the_first_three(sample: Application, query: str) -> None:
    question = next(q for q in lines("questions.jsonl") if q["query"] == query)
    assert is_answered(sample, question)


@pytest.mark.parametrize("utterance", lines("utterances.jsonl"), ids=utterance_id)
def test_an_utterance_is_understood_as_a_person_would(sample: Application, utterance: dict[str, Any]) -> None:
    understood = sample.search.language.understanding.read(utterance["text"])
    found = {"text": utterance["text"], **{kind: understood.value(kind) for kind in KINDS}, "left": understood.text}
    assert found == utterance
