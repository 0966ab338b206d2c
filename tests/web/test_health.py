"""What a machine that watches is told, and what people are told while something is missing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from structlog.testing import capture_logs

from banshi.composition import Application
from banshi.settings import Settings
from guides import document, models, store
from guides.database import Database
from indexer import follower
from indexer.rebuild import rebuild
from tests.web.conftest import LOST_CARD, close_site, filled_folder, indexed_folder, open_site
from tests.web.linting import LintingClient


@pytest.fixture
def fresh_site(tmp_path: Path) -> Iterator[Flask]:
    """A site of one's own, to be spoilt."""
    app = open_site(indexed_folder(tmp_path), index_stale_seconds=30)
    yield app
    close_site(app)


@pytest.fixture
def site_without_index(tmp_path: Path) -> Iterator[Flask]:
    app = open_site(filled_folder(tmp_path))
    yield app
    close_site(app)


def visitor(app: Flask) -> LintingClient:
    client = app.test_client()
    assert isinstance(client, LintingClient)
    return client


def change_a_guide(database: Database, *, seconds_ago: int) -> None:
    """A change that has waited in the outbox for some seconds."""
    changed = document.Guide.model_validate(document.dump(LOST_CARD) | {"title": "居民身份证遗失补领"})
    with database.writing() as connection:
        store.save_guides(connection, [changed], "测试")
        created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds_ago)
        newest = sa.select(sa.func.max(models.Outbox.id)).scalar_subquery()
        connection.execute(sa.update(models.Outbox).where(models.Outbox.id == newest).values(created_at=created))


def test_a_living_process_says_so(client: LintingClient) -> None:
    answer = client.json("/healthz")
    assert answer["status"] == "alive"
    assert answer["version"]


def test_a_site_that_can_do_its_work_is_ready(client: LintingClient) -> None:
    answer = client.json("/readyz")
    assert (answer["status"], answer["problems"]) == ("ready", [])
    assert answer["engine"]["name"] == "embedded"
    assert answer["engine"]["documents"] > 30
    assert answer["index_lag"] == {"changes": 0, "seconds": 0.0}


def test_health_is_never_kept_by_a_cache(client: LintingClient) -> None:
    for address in ("/healthz", "/readyz"):
        assert "no-cache" in client.get(address).headers["Cache-Control"]


def test_a_change_just_made_does_not_make_the_site_unready(fresh_site: Flask) -> None:
    change_a_guide(fresh_site.extensions["banshi"].database, seconds_ago=0)
    answer = visitor(fresh_site).json("/readyz")
    assert answer["status"] == "ready"
    assert answer["index_lag"]["changes"] == 1


def test_an_index_that_lags_too_long_makes_the_site_unready_until_it_catches_up(
    fresh_site: Flask, tmp_path: Path
) -> None:
    database = fresh_site.extensions["banshi"].database
    change_a_guide(database, seconds_ago=31)
    client = visitor(fresh_site)
    answer = client.json("/readyz", 503)
    assert answer["status"] == "not ready"
    assert "banshi index sync" in answer["problems"][0]
    assert answer["index_lag"]["changes"] == 1
    assert answer["index_lag"]["seconds"] >= 31
    assert client.get("/search?q=身份证").status_code == 200, "an old answer is better than none"

    follower.sync(database, Application(Settings(data=tmp_path)).index_folder)
    fresh_client = visitor(open_site(tmp_path))
    assert fresh_client.json("/readyz")["status"] == "ready"
    assert fresh_client.json("/api/v1/search?q=身份证遗失")["results"][0]["title"] == "居民身份证遗失补领"
    close_site(fresh_client.application)


def test_how_old_is_too_old_is_a_setting(tmp_path: Path) -> None:
    app = open_site(indexed_folder(tmp_path), index_stale_seconds=3600)
    change_a_guide(app.extensions["banshi"].database, seconds_ago=600)
    assert visitor(app).json("/readyz")["status"] == "ready"
    close_site(app)


def test_without_an_index_the_site_is_alive_but_not_ready(site_without_index: Flask) -> None:
    client = visitor(site_without_index)
    assert client.json("/healthz")["status"] == "alive"
    answer = client.json("/readyz", 503)
    assert answer["status"] == "not ready"
    assert "banshi index rebuild" in " ".join(answer["problems"])


def test_without_a_database_the_site_is_not_ready(tmp_path: Path) -> None:
    app = open_site(tmp_path / "nothing")
    answer = visitor(app).json("/readyz", 503)
    assert "banshi init" in " ".join(answer["problems"])
    assert not (tmp_path / "nothing" / "banshi.db").exists()
    close_site(app)


@pytest.mark.parametrize("address", ["/", "/search?q=身份证", "/divisions", "/departments", "/themes"])
def test_without_an_index_pages_say_so_politely(site_without_index: Flask, address: str) -> None:
    page = visitor(site_without_index).page(address, 503)
    assert page.heading == "搜索暂时不可用"
    assert "请过几分钟再试" in page.text
    assert "banshi index" not in page.text, "commands are for whoever runs the site"


def test_a_query_that_could_not_be_answered_is_kept_in_the_box_and_not_in_the_log(site_without_index: Flask) -> None:
    with capture_logs() as logs:
        page = visitor(site_without_index).page("/search?q=低保补贴", 503)
    assert page.values("q") == ["低保补贴"]
    assert [entry["event"] for entry in logs] == ["unavailable"]
    assert "低保" not in str(logs)


def test_without_an_index_the_api_says_so_in_its_own_form(site_without_index: Flask) -> None:
    client = visitor(site_without_index)
    for path in ("search?q=身份证", "suggest?q=身", "divisions", "departments"):
        error = client.json(f"/api/v1/{path}", 503)["error"]
        assert (error["code"], error["field"]) == ("unavailable", None)
        assert "搜索暂时不可用" in error["message"]


def test_a_guide_can_be_read_through_the_api_without_an_index(site_without_index: Flask) -> None:
    assert visitor(site_without_index).json(f"/api/v1/guides/{LOST_CARD.code}")["title"] == LOST_CARD.title


def test_a_site_without_an_index_serves_as_soon_as_there_is_one(site_without_index: Flask, tmp_path: Path) -> None:
    client = visitor(site_without_index)
    client.page("/", 503)
    rebuild(
        site_without_index.extensions["banshi"].database, Application(Settings(data=tmp_path)).index_folder, processes=1
    )
    assert client.page("/search?q=身份证").heading == "找到1项服务"
    assert client.json("/readyz")["status"] == "ready"


def test_an_unexpected_fault_is_a_page_without_its_details(
    site: Flask, client: LintingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(site.extensions["banshi"].search), "search", fail)
    with capture_logs() as logs:
        page = client.page("/search?q=低保补贴", 500)
        answer = client.json("/api/v1/search?q=低保补贴", 500)
    assert page.heading == "服务出了问题"
    assert answer["error"]["code"] == "internal"
    assert "secret detail" not in page.text + str(answer)
    assert [entry["event"] for entry in logs] == ["unexpected", "unexpected"]
    assert "低保" not in str([{k: v for k, v in entry.items() if k != "exc_info"} for entry in logs])
