"""``banshi index`` and ``banshi search`` with Elasticsearch beside the embedded index."""

from __future__ import annotations

import uuid

import pytest

from tests.banshi.conftest import ID_CARD, ID_CARD_GUIDE, Command, changed, write_lines
from tests.elasticsearch.node import Node


@pytest.fixture
def settings(elasticsearch_node: Node) -> dict[str, str]:
    return {
        "BANSHI_ENGINE": "elasticsearch",
        "BANSHI_ELASTICSEARCH_URLS": elasticsearch_node.url,
        "BANSHI_ELASTICSEARCH_INDEX": f"t{uuid.uuid4().hex[:8]}",
        "BANSHI_ELASTICSEARCH_REPLICAS": "0",
        "BANSHI_ELASTICSEARCH_TIMEOUT_SECONDS": "10",
    }


def test_both_indexes_are_built_told_of_checked_followed_and_taken_back(
    banshi: Command, settings: dict[str, str]
) -> None:
    status = banshi("index", "status", "--json", **settings)
    assert status.exit_code == 1, "the cluster has no index yet"
    assert "banshi index rebuild" in status.json["message"]
    built = banshi("index", "rebuild", "--json", **settings).json
    assert [each["engine"] for each in built["engines"]] == ["elasticsearch", "embedded"]
    first = built["name"]
    assert banshi("index", "rebuild", "--engine", "elasticsearch", "--json", **settings).json["name"] != first
    assert [e["passed"] for e in banshi("index", "check", "--json", **settings).json["engines"]] == [True, True]
    path = write_lines(banshi.folder / "change.jsonl", changed(ID_CARD_GUIDE, title="居民身份证遗失补领"))
    assert banshi("guides", "import", path, **settings).exit_code == 0
    assert [e["lag"] for e in banshi("index", "status", "--json", **settings).json["engines"]] == [1, 1]
    assert banshi("index", "sync", **settings).exit_code == 0
    assert [e["lag"] for e in banshi("index", "status", "--json", **settings).json["engines"]] == [0, 0]
    back = banshi("index", "rollback", "--engine", "elasticsearch", "--json", **settings).json
    assert (back["name"], back["changes"]) == (first, 1)
    for engine in ("elasticsearch", "embedded"):
        found = banshi("search", "身份证遗失补领", "--engine", engine, "--json", **settings).json
        assert (found["engine"], found["degraded"]) == (engine, False)
        assert found["results"][0]["title"] == "居民身份证遗失补领"


def test_a_search_goes_to_the_engine_of_the_settings_and_to_the_standby_without_it(
    banshi: Command, settings: dict[str, str]
) -> None:
    banshi("index", "rebuild", **settings)
    assert banshi("search", ID_CARD.name, "--json", **settings).json["engine"] == "elasticsearch"
    away = settings | {"BANSHI_ELASTICSEARCH_URLS": "http://127.0.0.1:9"}
    found = banshi("search", ID_CARD.name, "--json", **away)
    assert (found.json["engine"], found.json["degraded"]) == ("embedded", True)
    assert "连不上" in found.stderr
    alone = banshi("search", ID_CARD.name, "--engine", "elasticsearch", "--json", **away)
    assert alone.exit_code == 1
    assert "连不上 http://127.0.0.1:9" in alone.json["error"]["message"]


def test_secrets_are_in_no_output(banshi: Command, settings: dict[str, str]) -> None:
    secret = settings | {
        "BANSHI_ELASTICSEARCH_URLS": "http://127.0.0.1:9",
        "BANSHI_ELASTICSEARCH_USER": "banshi",
        "BANSHI_ELASTICSEARCH_PASSWORD": "correct horse",
    }
    for command in (("index", "status"), ("index", "rebuild"), ("search", "身份证", "--engine", "elasticsearch")):
        outcome = banshi(*command, **secret)
        assert outcome.exit_code == 1
        assert "correct horse" not in outcome.stdout + outcome.stderr
