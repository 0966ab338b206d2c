"""Counts of what was opened: asked for now and then, and never waited for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from banshi.composition import Application
from banshi.settings import Settings
from indexer.rebuild import rebuild
from search import uses
from search.uses import Uses
from tests import catalogue
from tests.waiting import eventually

PERMITS = [catalogue.item(number, f"第{number}号许可", aliases=[]) for number in (1, 2)]


def test_the_first_who_asks_is_told_the_counts() -> None:
    assert Uses(lambda: {"a": 1}).current() == {"a": 1}


def test_counts_are_asked_for_again_only_when_it_is_time() -> None:
    asked: list[int] = []

    def count() -> Mapping[str, int]:
        asked.append(1)
        return {"a": len(asked)}

    seldom = Uses(count, every_seconds=3600)
    assert [seldom.current(), seldom.current()] == [{"a": 1}, {"a": 1}]
    often = Uses(count, every_seconds=0)
    often.current()
    assert eventually(lambda: often.current().get("a", 0) > 3)


def test_what_did_not_change_is_the_same_object() -> None:
    counts = Uses(lambda: {"a": 1}, every_seconds=0)
    first = counts.current()
    assert all(counts.current() is first for _ in range(20))


def test_nobody_waits_for_a_count_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "_FIRST_SECONDS", 0.05)
    may_end = threading.Event()

    def slow() -> Mapping[str, int]:
        may_end.wait(10)
        return {"a": 1}

    counts = Uses(slow, every_seconds=0)
    assert [counts.current() for _ in range(3)] == [{}, {}, {}]
    may_end.set()
    assert eventually(lambda: counts.current() == {"a": 1})


def test_without_a_database_things_are_suggested_all_the_same(tmp_path: Path) -> None:
    guides = [catalogue.guide(permit, "230100") for permit in PERMITS]
    database = catalogue.filled_database(tmp_path, PERMITS, guides, ("公安",))
    application = Application(Settings(data=tmp_path))
    rebuild(database, application.index_folder, processes=1)
    database.close()
    gone = tmp_path / "banshi.db"
    for path in tmp_path.glob("banshi.db*"):
        path.unlink()
    assert len(application.search.suggest("号许可")) == 2
    assert not gone.exists(), "looking for one makes none"
    gone.write_bytes(b"no database at all " * 100)
    assert len(Application(Settings(data=tmp_path)).search.suggest("号许可")) == 2
