"""The held-out judgements: what was reached is not lost again.

record.json holds the figures that were last accepted; it changes in a commit of its own that says why. A change that
falls more than the margin below it fails here.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from pathlib import Path

import pytest

from banshi.composition import Application
from indexer.elasticsearch.indexes import ElasticsearchIndexes
from indexer.rebuild import rebuild
from search import evaluation
from search.engines.elasticsearch import ElasticsearchEngine
from search.engines.standby import Engines
from search.service import SearchService
from tests.elasticsearch.node import Node
from tests.elasticsearch.options import options_for

JUDGEMENTS = Path(__file__).parent / "judgements"
MARGIN = 0.015
KIND_MARGIN = 0.07
"""Some kinds have thirty queries: two of them more or less are no sign."""
UPWARDS = ("success_1", "success_3", "mrr", "ndcg_10")
DOWNWARDS = ("unsure", "wrong_confident")


@pytest.fixture(scope="module", params=["embedded", "elasticsearch"])
def report(request: pytest.FixtureRequest, sample: Application) -> evaluation.Report:
    service = sample.search
    if request.param == "elasticsearch":
        node: Node = request.getfixturevalue("elasticsearch_node")
        indexes = ElasticsearchIndexes(options_for(node, prefix=f"t{uuid.uuid4().hex[:8]}"))
        rebuild(sample.database, indexes)
        service = SearchService(Engines(ElasticsearchEngine(indexes)))
    held_out = evaluation.load(JUDGEMENTS / "held_out.jsonl")
    return evaluation.evaluate(held_out, lambda judgement: evaluation.shown_by(service.search, judgement))


@pytest.mark.timeout(600)
def test_the_held_out_half_is_answered_as_well_as_the_record_says(report: evaluation.Report) -> None:
    record = json.loads((JUDGEMENTS / "record.json").read_text(encoding="utf-8"))
    fallen: list[str] = []
    for kind, recorded in (("overall", record["overall"]), *record["by_kind"].items()):
        figures = asdict(report.overall if kind == "overall" else report.by_kind[kind])
        margin = MARGIN if kind == "overall" else KIND_MARGIN
        for name in (*UPWARDS, *DOWNWARDS):
            if recorded[name] is None:
                continue
            worse = recorded[name] - figures[name] if name in UPWARDS else figures[name] - recorded[name]
            if worse > margin:
                fallen.append(f"{kind} {name}: {figures[name]}, recorded {recorded[name]}")
    assert fallen == []


def test_no_query_is_in_both_halves_and_every_judged_code_exists(sample: Application) -> None:
    tuning, held_out = (evaluation.load(JUDGEMENTS / f"{half}.jsonl") for half in ("tuning", "held_out"))
    assert len(tuning) + len(held_out) >= 600
    assert {j.query for j in tuning} & {j.query for j in held_out} == set()
    items = {item.code for item in sample.search.language.lexicon.items}
    judged = {code for judgement in (*tuning, *held_out) for code in judgement.relevant}
    assert judged <= items
