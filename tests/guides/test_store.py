"""Versions, statuses, and the outbox that goes with every change."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from guides import document, lookups, models, outbox, store
from guides.database import Database, DatabaseNotReadyError
from tests import catalogue

ITEM = catalogue.item()
GUIDE = catalogue.guide(ITEM)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return catalogue.filled_database(tmp_path, [ITEM], [GUIDE])


def save(database: Database, *guides: document.Guide) -> store.SaveCounts:
    with database.writing() as connection:
        return store.save_guides(connection, guides, "测试")


def changed(**fields: object) -> document.Guide:
    return document.Guide.model_validate(document.dump(GUIDE) | fields)


def outbox_rows(database: Database) -> list[tuple[int, str, str]]:
    with database.reading() as connection:
        table = models.Outbox
        rows = connection.execute(sa.select(table.id, table.guide_code, table.action).order_by(table.id))
        return [(number, code or "", action) for number, code, action in rows]


def test_what_is_read_is_what_was_written(database: Database) -> None:
    with database.reading() as connection:
        assert store.published_guide(connection, GUIDE.code) == GUIDE


def test_a_change_adds_a_version_and_keeps_the_old_one(database: Database) -> None:
    newer = changed(summary="新的说明。")
    assert save(database, newer).changed == 1
    with database.reading() as connection:
        assert store.published_guide(connection, GUIDE.code) == newer
        assert list(store.load(connection, [(GUIDE.code, 1, "published")])) == [GUIDE]


def test_saving_the_same_again_changes_nothing(database: Database) -> None:
    before = outbox_rows(database)
    assert save(database, GUIDE).unchanged == 1
    assert outbox_rows(database) == before


def test_a_draft_leaves_what_is_published_as_it_is(database: Database) -> None:
    before = outbox_rows(database)
    save(database, changed(summary="草稿。", status="draft"))
    with database.reading() as connection:
        assert store.published_guide(connection, GUIDE.code) == GUIDE
        assert [g.summary for g in store.latest_guides(connection, [GUIDE.code])] == ["草稿。"]
    assert outbox_rows(database) == before


def test_a_withdrawn_guide_is_gone_for_citizens_and_noted_for_the_index(database: Database) -> None:
    save(database, changed(status="withdrawn"))
    with database.reading() as connection:
        assert store.published_guide(connection, GUIDE.code) is None
        assert lookups.guide_status(connection, GUIDE.code) == "withdrawn"
    assert outbox_rows(database)[-1][1:] == (GUIDE.code, "withdrawn")


def test_changed_aliases_are_noted_for_the_index(database: Database) -> None:
    with database.writing() as connection:
        store.save_items(connection, [catalogue.item(aliases=["身份证没了"])])
    assert outbox_rows(database)[-1][2] == "item"


def test_a_failed_change_leaves_neither_guide_nor_outbox_row(database: Database) -> None:
    before = outbox_rows(database)
    with pytest.raises(RuntimeError), database.writing() as connection:
        store.save_guides(connection, [changed(summary="没有提交。")], "测试")
        raise RuntimeError
    assert outbox_rows(database) == before
    with database.reading() as connection:
        assert store.published_guide(connection, GUIDE.code) == GUIDE


def test_writers_at_once_wait_for_each_other_and_the_outbox_has_no_gap(database: Database) -> None:
    def work(worker: int) -> None:
        for turn in range(5):
            save(database, changed(summary=f"第 {worker} 人第 {turn} 次。"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [number for number, _code, _action in outbox_rows(database)]
    assert numbers == list(range(1, len(numbers) + 1))
    with database.reading() as connection:
        assert outbox.last_id(connection) == numbers[-1]
        versions = connection.execute(sa.select(sa.func.count()).select_from(models.GuideVersion)).scalar_one()
    assert versions == 21


def test_a_missing_database_is_not_made_by_looking_for_it(tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotReadyError, match="banshi init"):
        Database(f"sqlite:///{tmp_path / 'none.db'}").require_ready()
    assert not (tmp_path / "none.db").exists()


def test_an_older_schema_is_told_with_the_command_that_mends_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with database.writing() as connection:
        connection.execute(sa.text("CREATE TABLE other (x INTEGER)"))
    with pytest.raises(DatabaseNotReadyError, match="banshi init"):
        database.require_ready()


def test_migrations_make_exactly_the_tables_of_the_models(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    database = catalogue.new_database(tmp_path)
    with database.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, models.Base.metadata) == []
