"""A site whose Elasticsearch is away: it answers, says so, and shows it to whoever watches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.web.conftest import close_site, indexed_folder, open_site
from tests.web.linting import LintingClient


@pytest.fixture(scope="module")
def lonely_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Nobody listens where its Elasticsearch should be."""
    app = open_site(
        indexed_folder(tmp_path_factory.mktemp("lonely")),
        engine="elasticsearch",
        elasticsearch_urls="http://127.0.0.1:9",
        elasticsearch_timeout_seconds=1,
    )
    yield app
    close_site(app)


@pytest.fixture
def visitor(lonely_site: Flask) -> LintingClient:
    client = lonely_site.test_client()
    assert isinstance(client, LintingClient)
    return client


def test_the_api_answers_and_tells_that_it_is_degraded(visitor: LintingClient) -> None:
    answer = visitor.json("/api/v1/search?q=身份证丢了&division=道里区")
    assert (answer["engine"], answer["degraded"]) == ("embedded", True)
    assert answer["results"][0]["title"] == "居民身份证补领"


@pytest.mark.parametrize("address", ["/", "/search?q=身份证", "/divisions"])
def test_every_page_says_it_in_a_sentence(visitor: LintingClient, address: str) -> None:
    visitor.json("/api/v1/search?q=身份证")
    assert "搜索正在使用备用索引" in visitor.page(address).text


def test_a_site_on_its_standby_is_ready_with_a_warning(visitor: LintingClient) -> None:
    visitor.json("/api/v1/search?q=身份证")
    answer = visitor.json("/readyz")
    assert (answer["status"], answer["degraded"], answer["problems"]) == ("ready", True, [])
    assert any("连不上" in warning for warning in answer["warnings"])
    assert answer["engine"]["name"] == "embedded"
    assert [(e["name"], e["ready"]) for e in answer["engines"]] == [("elasticsearch", False), ("embedded", True)]


def test_the_metrics_tell_it(visitor: LintingClient) -> None:
    visitor.json("/api/v1/search?q=身份证")
    metrics = visitor.get("/metrics").get_data(as_text=True)
    assert "banshi_degraded 1.0" in metrics
    assert 'banshi_engine_ready{engine="elasticsearch"} 0.0' in metrics
    assert 'banshi_searches_total{degraded="true",engine="embedded"}' in metrics
    assert 'banshi_index_lag_changes{engine="embedded"} 0.0' in metrics


def test_the_metrics_name_no_query(client: LintingClient) -> None:
    client.json("/api/v1/search?q=身份证秘密查询")
    metrics = client.get("/metrics").get_data(as_text=True)
    assert "banshi_requests_total" in metrics
    assert "banshi_degraded 0.0" in metrics
    assert "秘密" not in metrics
