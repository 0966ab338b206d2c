"""Rebuilding, following, checking: the index is what the database says."""

from __future__ import annotations

import datetime
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from guides import document, outbox, store, words
from guides.database import Database
from indexer import follower, gate, life
from indexer.analysis import exact_key
from indexer.elasticsearch.indexes import ElasticsearchIndexes
from indexer.embedded import IndexFolder
from indexer.life import BusyError, Entry, Indexes, IndexMissingError, IndexReader
from indexer.rebuild import rebuild
from tests import catalogue
from tests.elasticsearch.options import options_for
from tests.postgresql import Databases

ITEMS = [catalogue.item(n, f"{name}补领") for n, name in enumerate(["居民身份证", "居住证", "户口簿"], 1)]
GUIDES = [catalogue.guide(item, division) for item in ITEMS for division in ("230100", "230102")]


@pytest.fixture
def database(databases: Databases) -> Database:
    return databases.filled(ITEMS, GUIDES)


@pytest.fixture(params=["embedded", "elasticsearch"])
def indexes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Indexes]:
    """The indexes of either engine; what is made of them must not depend on which."""
    if request.param == "embedded":
        yield IndexFolder(tmp_path / "index")
        return
    node = request.getfixturevalue("elasticsearch_node")
    found = ElasticsearchIndexes(options_for(node, prefix=f"t{uuid.uuid4().hex[:8]}"))
    yield found
    found.close()


def current(indexes: Indexes) -> IndexReader:
    """A reader of the index that serves, as it is now."""
    return indexes.reader(indexes.current())


def entries(indexes: Indexes) -> dict[str, Entry]:
    return current(indexes).entries()


def save(database: Database, *guides: document.Guide) -> None:
    with database.writing() as connection:
        store.save_guides(connection, guides, "测试")


def altered(guide: document.Guide, **fields: object) -> document.Guide:
    return document.Guide.model_validate(document.dump(guide) | fields)


def test_a_rebuild_holds_every_published_guide(database: Database, indexes: Indexes) -> None:
    report = rebuild(database, indexes, processes=1)
    assert (report.guides, report.items) == (6, 3)
    assert gate.check(database, current(indexes)).passed


def test_a_rebuild_in_several_processes_makes_the_same_documents(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    one = entries(indexes)
    rebuild(database, indexes, processes=2)
    assert entries(indexes) == one


def test_the_index_before_is_kept_and_older_ones_are_removed(database: Database, indexes: Indexes) -> None:
    names = [rebuild(database, indexes, processes=1).name for _ in range(3)]
    assert (indexes.current(), indexes.previous()) == (names[2], names[1])
    assert rebuild(database, indexes, processes=1).removed == [names[0]]
    assert indexes.reader(names[2]).state().position == len(GUIDES)


def test_two_rebuilds_at_once_are_refused_with_a_reason(database: Database, indexes: Indexes) -> None:
    with indexes.lock("rebuild", "x"), pytest.raises(BusyError, match="另一个重建"):
        rebuild(database, indexes, processes=1)


def test_without_an_index_the_remedy_is_named(indexes: Indexes) -> None:
    with pytest.raises(IndexMissingError, match="banshi index rebuild"):
        indexes.current()


def test_an_index_of_another_schema_is_refused(tmp_path: Path) -> None:
    indexes = IndexFolder(tmp_path)
    indexes.writer("banshi-20260101-000000-000000-ffffffff").close()
    with pytest.raises(IndexMissingError, match="结构"):
        indexes.reader("banshi-20260101-000000-000000-ffffffff")


def test_going_back_lets_the_index_before_serve_and_catch_up(database: Database, indexes: Indexes) -> None:
    first = rebuild(database, indexes, processes=1).name
    second = rebuild(database, indexes, processes=1).name
    save(database, altered(GUIDES[0], title="退回之前改的名"))
    follower.sync(database, indexes)
    assert life.roll_back(indexes) == (second, first)
    assert indexes.current() == first
    assert follower.sync(database, indexes).after == len(GUIDES) + 1
    assert gate.check(database, current(indexes)).passed
    assert life.roll_back(indexes) == (first, second)


def test_there_is_no_going_back_from_the_first_index(database: Database, indexes: Indexes) -> None:
    name = rebuild(database, indexes, processes=1).name
    with pytest.raises(IndexMissingError, match="没有可以退回的索引"):
        life.roll_back(indexes)
    assert indexes.current() == name


def test_a_rebuild_while_changes_arrive_equals_the_database_and_takes_nobody_back_in_time(
    database: Database, indexes: Indexes
) -> None:
    rebuild(database, indexes, processes=1)
    stop, errors = threading.Event(), []
    behind: list[tuple[str, str]] = []

    def clerk() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            save(database, altered(GUIDES[number % len(GUIDES)], title=f"{GUIDES[number % len(GUIDES)].title}{number}"))
            time.sleep(0.02)

    def citizen() -> None:
        """What was found once must not be gone the next moment: the position of what serves only grows."""
        seen = -1
        while not stop.is_set():
            try:
                reader = current(indexes)
                position = reader.state().position
            except IndexMissingError as error:
                behind.append(("missing", str(error)))
                continue
            if position < seen:
                behind.append((reader.name, f"{position} < {seen}"))
            seen = max(seen, position)
            time.sleep(0.01)

    following = threading.Thread(
        target=follower.follow,
        args=(database, indexes, stop),
        kwargs={"on_sync": lambda report: None, "on_error": errors.append},
    )
    threads = [threading.Thread(target=clerk), threading.Thread(target=citizen), following]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        for _ in range(2):
            rebuild(database, indexes, processes=1)
        time.sleep(1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert behind == []
    follower.sync(database, indexes)
    report = gate.check(database, current(indexes))
    assert report.passed, report.summary()
    assert report.behind == 0


def test_a_synced_index_equals_the_database(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    save(database, altered(GUIDES[0], summary="改了。"), altered(GUIDES[1], status="withdrawn"))
    assert gate.check(database, current(indexes)).behind == 2
    report = follower.sync(database, indexes)
    assert report.after - report.before == 2
    assert gate.check(database, current(indexes)).passed
    assert gate.check(database, current(indexes)).behind == 0
    assert GUIDES[1].code not in entries(indexes)


def test_applying_the_same_changes_twice_changes_nothing(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    save(database, altered(GUIDES[0], summary="改了。"))
    follower.sync(database, indexes)
    first = entries(indexes)
    assert follower.sync(database, indexes).seconds >= 0
    assert entries(indexes) == first


def test_a_withdrawn_district_guide_hands_its_division_back_to_the_city(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    before = entries(indexes)[GUIDES[0].code]
    save(database, altered(GUIDES[1], status="withdrawn"))
    follower.sync(database, indexes)
    assert entries(indexes)[GUIDES[0].code] != before


def test_a_new_item_is_suggested_after_a_sync(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    new = catalogue.item(9, "临时居民身份证申领")
    with database.writing() as connection:
        store.save_items(connection, [new])
        store.save_guides(connection, [catalogue.guide(new)], "测试")
    follower.sync(database, indexes)
    assert "临时居民身份证申领" in [item.name for item in current(indexes).lexicon().items]


def test_an_index_too_far_behind_asks_for_a_rebuild(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    save(database, altered(GUIDES[0], summary="改了。"))
    with database.writing() as connection:
        assert outbox.prune(connection, datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)) > 0
    with pytest.raises(follower.TooFarBehindError, match="rebuild"):
        follower.sync(database, indexes)


def test_the_gate_sees_what_is_missing_and_where(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    reader = current(indexes)
    writer = indexes.writer(reader.name)
    writer.replace_items([(ITEMS[0].code, [])], len(GUIDES))
    writer.commit(len(GUIDES), reader.lexicon())
    writer.close()
    report = gate.check(database, current(indexes))
    assert not report.may_serve
    assert report.missing == sorted(g.code for g in GUIDES if g.item_code == ITEMS[0].code)
    assert [(c.code, c.database, c.index) for c in report.counts if len(c.code) == 6] == [
        ("230100", 3, 2),
        ("230102", 3, 2),
    ]
    assert {probe.expected for probe in report.probes} <= set(report.missing)
    assert report.probes, "a guide that is missing is not found by its name either"


def test_the_gate_sees_what_is_different(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    reader = current(indexes)
    save(database, altered(GUIDES[0], summary="没有跟上。"))
    # The index is told that it has seen the change, and has not.
    writer = indexes.writer(reader.name)
    writer.commit(len(GUIDES) + 1, reader.lexicon())
    writer.close()
    report = gate.check(database, current(indexes))
    assert (report.missing, report.surplus, report.different) == ([], [], [GUIDES[0].code])
    assert not report.may_serve


def test_a_guide_is_found_by_its_exact_name_where_it_serves(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    assert current(indexes).named(exact_key("居住证补领"), "230102001") == [GUIDES[3].code]
    assert current(indexes).named(exact_key("没有的名字"), "230102001") == []


def test_words_stay_those_that_the_index_was_built_with(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    words = current(indexes).lexicon().words
    renamed = catalogue.department("230102").model_copy(update={"aliases": ["新起的别名"]})
    with database.writing() as connection:
        store.save_departments(connection, [renamed])
    follower.sync(database, indexes)
    assert current(indexes).lexicon().words == words
    assert "新起的别名" in current(indexes).lexicon().sector_aliases["公安"]
    assert gate.check(database, current(indexes)).passed


def test_the_follower_applies_a_change_within_two_seconds_and_survives_an_error(
    database: Database, indexes: Indexes
) -> None:
    rebuild(database, indexes, processes=1)
    stop, errors = threading.Event(), []
    seen: list[float] = []
    thread = threading.Thread(
        target=follower.follow,
        args=(database, indexes, stop),
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
    assert gate.check(database, current(indexes)).passed


def test_words_of_clerks_reach_the_index_without_changing_a_document(database: Database, indexes: Indexes) -> None:
    rebuild(database, indexes, processes=1)
    before = entries(indexes)
    with database.writing() as connection:
        words.add_synonyms(connection, ["身份证", "身份证件"])
        words.add_best_bet(connection, "补证", ITEMS[1].code, key=exact_key)
    report = follower.sync(database, indexes)
    assert report.after == report.before + 2
    found = current(indexes).lexicon()
    assert (found.synonyms, found.best_bets) == ((("身份证", "身份证件"),), (("补证", ITEMS[1].code),))
    assert entries(indexes) == before
    assert gate.check(database, current(indexes)).passed


def test_a_new_index_has_the_words_of_clerks_from_the_beginning(database: Database, indexes: Indexes) -> None:
    with database.writing() as connection:
        words.add_synonyms(connection, ["身份证", "身份证件"])
    rebuild(database, indexes, processes=1)
    assert current(indexes).lexicon().synonyms == (("身份证", "身份证件"),)
