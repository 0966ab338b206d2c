"""Both engines, the whole sample, the same queries: whoever answers, the citizen gets the same guide."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from banshi.composition import Application
from indexer.elasticsearch.indexes import ElasticsearchIndexes
from indexer.rebuild import rebuild
from search.engines.elasticsearch import ElasticsearchEngine
from search.engines.standby import Engines
from search.request import SearchRequest
from search.results import SearchResponse
from search.service import SearchService
from tests.elasticsearch.node import Node
from tests.elasticsearch.options import options_for

QUERIES = 200
JUDGEMENTS = Path(__file__).parent / "judgements" / "tuning.jsonl"


@pytest.fixture(scope="module")
def services(sample: Application, elasticsearch_node: Node) -> tuple[SearchService, SearchService]:
    indexes = ElasticsearchIndexes(options_for(elasticsearch_node, prefix=f"t{uuid.uuid4().hex[:8]}"))
    rebuild(sample.database, indexes)
    return sample.search, SearchService(Engines(ElasticsearchEngine(indexes)))


def codes(response: SearchResponse) -> list[str]:
    shown = response.results or [result for relaxed in response.relaxed for result in relaxed.results]
    return [result.code for result in shown]


@pytest.mark.timeout(600)
def test_the_same_queries_give_the_same_first_result_on_both_engines(
    services: tuple[SearchService, SearchService], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = JUDGEMENTS.read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines[:: len(lines) // QUERIES]][:QUERIES]
    assert len(asked) == QUERIES
    different: list[tuple[str, str, str]] = []
    overlaps: list[float] = []
    for judgement in asked:
        request = SearchRequest(text=judgement["query"], division=judgement["division"])
        one, other = (service.search(request) for service in services)
        assert one.total == other.total, judgement["query"]
        ours, theirs = codes(one), codes(other)
        if ours[:1] != theirs[:1]:
            different.append((judgement["query"], one.results[0].title, other.results[0].title))
        if ours or theirs:
            overlaps.append(len(set(ours) & set(theirs)) / max(len(ours), len(theirs)))
    with capsys.disabled():
        print(f"\n{QUERIES} queries on both engines: overlap of the first ten {sum(overlaps) / len(overlaps):.4f}")
    assert different == []
    assert sum(overlaps) / len(overlaps) > 0.99


@pytest.mark.parametrize("sort", ["visits", "limit"])
def test_orders_that_are_not_by_score_are_the_same_to_the_last_place(
    services: tuple[SearchService, SearchService], sort: str
) -> None:
    request = SearchRequest(division="道里区", sort=sort, size=50)
    one, other = (service.search(request) for service in services)
    assert codes(one) == codes(other)


def test_facets_are_the_same_on_both(services: tuple[SearchService, SearchService]) -> None:
    for request in (
        SearchRequest(text="营业执照", division="道里区"),
        SearchRequest(division="230103001", department="公安", applicant="individual"),
        SearchRequest(text="补贴", online=True, level="district"),
    ):
        one, other = (service.search(request) for service in services)
        assert one.facets == other.facets
