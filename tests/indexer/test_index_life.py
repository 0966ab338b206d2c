"""Rebuilding, following, checking: the index is what the database says."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from guides import document, store
from guides.database import Database
from indexer import follower, gate
from indexer.embedded import BusyError, EmbeddedReader, IndexFolder, IndexMissingError
from indexer.lexicon import Lexicon
from indexer.rebuild import rebuild
from tests import catalogue

ITEMS = [catalogue.item(n, f"{name}补领") for n, name in enumerate(["居民身份证", "居住证", "户口簿"], 1)]
GUIDES = [catalogue.guide(item, division) for item in ITEMS for division in ("230100", "230102")]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return catalogue.filled_database(tmp_path, ITEMS, GUIDES)


@pytest.fixture
def folder(tmp_path: Path) -> IndexFolder:
    return IndexFolder(tmp_path / "index")


def save(database: Database, *guides: document.Guide) -> None:
    with database.writing() as connection:
        store.save_guides(connection, guides, "测试")


def altered(guide: document.Guide, **fields: object) -> document.Guide:
    return document.Guide.model_validate(document.dump(guide) | fields)


def test_a_rebuild_holds_every_published_guide(database: Database, folder: IndexFolder) -> None:
    report = rebuild(database, folder, processes=1)
    assert (report.guides, report.items) == (6, 3)
    assert gate.check(database, EmbeddedReader(folder.current())).passed


def test_a_rebuild_in_several_processes_makes_the_same_documents(database: Database, folder: IndexFolder) -> None:
    rebuild(database, folder, processes=1)
    one = EmbeddedReader(folder.current()).entries()
    rebuild(database, folder, processes=2)
    assert EmbeddedReader(folder.current()).entries() == one


def test_the_index_before_is_kept_and_older_ones_are_removed(database: Database, folder: IndexFolder) -> None:
    names = [rebuild(database, folder, processes=1).name for _ in range(3)]
    pointer = folder.pointer()
    assert pointer is not None
    assert (pointer.name, pointer.previous) == (names[2], names[1])
    rebuild(database, folder, processes=1)
    assert not (folder.root / names[0]).exists()


def test_two_rebuilds_at_once_are_refused_with_a_reason(database: Database, folder: IndexFolder) -> None:
    with folder.lock("rebuild", "x"), pytest.raises(BusyError, match="另一个重建"):
        rebuild(database, folder, processes=1)


def test_without_an_index_the_remedy_is_named(folder: IndexFolder) -> None:
    with pytest.raises(IndexMissingError, match="banshi index rebuild"):
        folder.current()


def test_an_index_of_another_schema_is_refused(database: Database, folder: IndexFolder) -> None:
    rebuild(database, folder, processes=1)
    other = folder.current().rename(folder.root / "banshi-20260101-000000-000000-ffffffff")
    with pytest.raises(IndexMissingError, match="结构"):
        EmbeddedReader(other)


def test_a_synced_index_equals_the_database(database: Database, folder: IndexFolder) -> None:
    rebuild(database, folder, processes=1)
    save(database, altered(GUIDES[0], summary="改了。"), altered(GUIDES[1], status="withdrawn"))
    reader = EmbeddedReader(folder.current())
    assert gate.check(database, reader).behind == 2
    report = follower.sync(database, folder)
    assert report.after - report.before == 2
    reader.reload()
    assert gate.check(database, reader).passed
    assert gate.check(database, reader).behind == 0
    assert GUIDES[1].code not in reader.entries()


def test_applying_the_same_changes_twice_changes_nothing(database: Database, folder: IndexFolder) -> None:
    rebuild(database, folder, processes=1)
    save(database, altered(GUIDES[0], summary="改了。"))
    follower.sync(database, folder)
    first = EmbeddedReader(folder.current()).entries()
    assert follower.sync(database, folder).seconds >= 0
    assert EmbeddedReader(folder.current()).entries() == first


def test_a_withdrawn_district_guide_hands_its_division_back_to_the_city(
    database: Database, folder: IndexFolder
) -> None:
    rebuild(database, folder, processes=1)
    before = EmbeddedReader(folder.current()).entries()[GUIDES[0].code]
    save(database, altered(GUIDES[1], status="withdrawn"))
    follower.sync(database, folder)
    assert EmbeddedReader(folder.current()).entries()[GUIDES[0].code] != before


def test_a_new_item_is_suggested_after_a_sync(database: Database, folder: IndexFolder) -> None:
    rebuild(database, folder, processes=1)
    new = catalogue.item(9, "临时居民身份证申领")
    with database.writing() as connection:
        store.save_items(connection, [new])
        store.save_guides(connection, [catalogue.guide(new)], "测试")
    follower.sync(database, folder)
    assert "临时居民身份证申领" in [item.name for item in Lexicon.load(folder.current()).items]


def test_an_index_too_far_behind_asks_for_a_rebuild(database: Database, folder: IndexFolder) -> None:
    import datetime

    from guides import outbox

    rebuild(database, folder, processes=1)
    save(database, altered(GUIDES[0], summary="改了。"))
    with database.writing() as connection:
        assert outbox.prune(connection, datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)) > 0
    with pytest.raises(follower.TooFarBehindError, match="rebuild"):
        follower.sync(database, folder)


def test_the_gate_sees_what_is_missing_surplus_and_different(database: Database, folder: IndexFolder) -> None:
    from indexer.embedded import EmbeddedWriter

    rebuild(database, folder, processes=1)
    writer = EmbeddedWriter(folder.current())
    writer.replace_item(ITEMS[0].code, [])
    writer.commit(EmbeddedReader(folder.current()).position())
    writer.close()
    report = gate.check(database, EmbeddedReader(folder.current()))
    assert not report.passed
    assert report.missing == sorted(g.code for g in GUIDES if g.item_code == ITEMS[0].code)


def test_the_follower_applies_a_change_within_two_seconds_and_survives_an_error(
    database: Database, folder: IndexFolder
) -> None:
    rebuild(database, folder, processes=1)
    stop, errors = threading.Event(), []
    seen: list[float] = []
    thread = threading.Thread(
        target=follower.follow,
        args=(database, folder, stop),
        kwargs={"on_sync": lambda report: seen.append(time.monotonic()), "on_error": errors.append},
    )
    thread.start()
    try:
        time.sleep(1)
        save(database, altered(GUIDES[0], summary="跟上。"))
        deadline = time.monotonic() + 20
        while not seen and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()
    assert seen
    assert errors == []
    assert gate.check(database, EmbeddedReader(folder.current())).passed
