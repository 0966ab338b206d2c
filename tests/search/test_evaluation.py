"""The arithmetic of judging, on answers made up to be easy to reckon."""

from __future__ import annotations

from pathlib import Path

import pytest

from search import evaluation
from search.evaluation import InvalidJudgementsError, Judgement, Ranked


def asked(answers: dict[str, Ranked]) -> evaluation.Report:
    judgements = [
        Judgement(query="一", kind="a", relevant={"x": 3, "y": 1}),
        Judgement(query="二", kind="a", relevant={"x": 2}),
        Judgement(query="三", kind="b", relevant={}),
    ]
    return evaluation.evaluate(judgements, lambda judgement: answers[judgement.query])


def shown(*codes: str, sure: bool = True) -> Ranked:
    return Ranked([(code, f"guide-{code}", code) for code in codes], is_confident=sure)


def test_everything_right_gives_full_marks() -> None:
    figures = asked({"一": shown("x", "y"), "二": shown("x"), "三": shown(sure=False)}).overall
    assert (figures.success_1, figures.success_3, figures.mrr, figures.ndcg_10) == (1, 1, 1, 1)
    assert (figures.unsure, figures.wrong_confident) == (0, 0)


def test_an_answer_in_second_place_counts_half_for_mrr_and_not_for_the_first() -> None:
    figures = asked({"一": shown("y", "x"), "二": shown("z", "x"), "三": shown(sure=False)}).overall
    assert (figures.success_1, figures.success_3, figures.mrr) == (0, 1, 0.5)


def test_what_is_only_related_does_not_count_as_an_answer() -> None:
    report = asked({"一": shown("y"), "二": shown("x"), "三": shown(sure=False)})
    assert report.overall.success_1 == 0.5
    assert [(miss.query, miss.wanted) for miss in report.misses] == [("一", ["x"])]


def test_confidence_without_an_answer_and_guesses_with_one_are_counted_apart() -> None:
    report = asked({"一": shown("x", sure=False), "二": shown("x"), "三": shown("z")})
    assert (report.overall.unsure, report.overall.wrong_confident) == (0.5, 1.0)
    assert [miss.query for miss in report.misses] == ["三"]
    assert report.by_kind["a"].wrong_confident is None
    assert report.by_kind["b"].success_1 is None


def test_two_guides_of_one_item_count_once() -> None:
    twice = Ranked([("z", "g1", "z"), ("z", "g2", "z"), ("z", "g3", "z"), ("x", "g4", "x")], is_confident=True)
    assert asked({"一": twice, "二": shown("x"), "三": shown(sure=False)}).overall.success_3 == 1


def test_a_guide_may_be_judged_by_its_own_code() -> None:
    judgements = [Judgement(query="一", relevant={"guide-b": 3})]
    report = evaluation.evaluate(judgements, lambda _judgement: shown("a", "b"))
    assert report.overall.mrr == 0.5


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"query": "", "relevant": {}}', "第 2 行 query"),
        ('{"query": "x"}', "第 2 行 relevant"),
        ("{", "第 2 行 整行"),
        ('{"query": "x", "relevant": {"a": "three"}}', "第 2 行 relevant.a"),
    ],
)
def test_a_broken_file_of_judgements_is_told_by_line(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "judgements.jsonl"
    path.write_text(f'{{"query": "身份证", "relevant": {{"a": 3}}}}\n{line}\n', encoding="utf-8")
    with pytest.raises(InvalidJudgementsError, match=told):
        evaluation.load(path)


def test_an_empty_file_of_judgements_is_refused_with_an_example(tmp_path: Path) -> None:
    path = tmp_path / "judgements.jsonl"
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(InvalidJudgementsError, match="例如"):
        evaluation.load(path)
