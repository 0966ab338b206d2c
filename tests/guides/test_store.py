"""Versions, statuses, and the outbox that goes with every change."""

from __future__ import annotations

import datetime
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from guides import document, lookups, models, outbox, store
from guides.database import Database, DatabaseNotReadyError
from tests import catalogue
from tests.postgresql import Databases

ITEM = catalogue.item()
GUIDE = catalogue.guide(ITEM)


@pytest.fixture
def database(databases: Databases) -> Database:
    return databases.filled([ITEM], [GUIDE])


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


def test_a_reader_sees_one_state_and_does_not_wait_for_a_writer(database: Database) -> None:
    with database.reading() as reader:
        assert store.published_guide(reader, GUIDE.code) == GUIDE
        with database.writing() as writer:
            store.save_guides(writer, [changed(summary="新的说明。")], "测试")
            assert store.published_guide(reader, GUIDE.code) == GUIDE
        assert store.published_guide(reader, GUIDE.code) == GUIDE
    with database.reading() as reader:
        assert store.published_guide(reader, GUIDE.code) == changed(summary="新的说明。")


def test_versions_of_different_numbers_are_loaded_in_the_order_asked_for(database: Database) -> None:
    newer, other = changed(summary="新的说明。"), catalogue.guide(ITEM, "230103")
    save(database, newer, other)
    with database.reading() as connection:
        wanted = [(GUIDE.code, 2, "published"), (other.code, 1, "published"), (GUIDE.code, 1, "published")]
        assert list(store.load(connection, wanted)) == [newer, other, GUIDE]


def test_the_time_of_a_change_is_in_utc_whatever_the_zone_of_the_server(database: Database) -> None:
    save(database, changed(summary="新的说明。"))
    now = datetime.datetime.now(datetime.UTC)
    with database.reading() as connection:
        made = outbox.after(connection, 0)[-1].created_at
    assert made.tzinfo == datetime.UTC
    assert datetime.timedelta(0) <= now - made < datetime.timedelta(minutes=1)


def longest(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """The longest value that a JSON schema allows, or None for a text whose length it does not limit: codes, dates."""
    match schema:
        case {"$ref": str(name)}:
            return longest(definitions[name.rsplit("/", 1)[1]], definitions)
        case {"anyOf": [first, *_]}:
            return longest(first, definitions)
        case {"enum": values}:
            return max(values, key=len)
        case {"type": "string"}:
            # Four bytes each in UTF-8, one character to people: lengths are in characters.
            return "𠮷" * schema["maxLength"] if "maxLength" in schema else None
        case {"type": "array"}:
            return [longest(schema["items"], definitions)]
        case {"type": "integer"}:
            return schema["maximum"]
        case {"type": "boolean"}:
            return True
        case {"type": "object", "properties": properties}:
            return {name: longest(part, definitions) for name, part in properties.items() if "const" not in part}
    raise AssertionError(schema)


def test_the_longest_values_that_a_guide_allows_are_kept(database: Database) -> None:
    schema = document.Guide.model_json_schema()
    values = longest(schema, schema["$defs"])
    options = ["甲" * 500, "乙" * 500]
    values["situations"][0]["options"] = options
    values["materials"][0]["only_for"] = options
    guide = changed(**{name: value for name, value in values.items() if value is not None and value != [None]})
    assert len(guide.title) == len(guide.places[0].address) == 500
    save(database, guide)
    with database.reading() as connection:
        assert list(store.latest_guides(connection, [guide.code])) == [guide]


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://h:port/x", "postgres://u:secret@h/x", "mysql://u:secret@h/x"]
)
def test_an_address_that_is_none_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(DatabaseNotReadyError, match="BANSHI_DATABASE_URL") as caught:
        Database(url)
    assert "secret" not in str(caught.value)


def test_a_missing_database_is_not_made_by_looking_for_it(tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotReadyError, match="banshi init"):
        Database(f"sqlite:///{tmp_path / 'none.db'}").require_ready()
    assert not (tmp_path / "none.db").exists()


def test_an_older_schema_is_told_with_the_command_that_mends_it(databases: Databases) -> None:
    database = databases.without_tables()
    with database.writing() as connection:
        connection.execute(sa.text("CREATE TABLE other (x INTEGER)"))
    with pytest.raises(DatabaseNotReadyError, match="banshi init"):
        database.require_ready()


def test_migrations_make_exactly_the_tables_of_the_models(databases: Databases) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    database = databases.new()
    with database.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, models.Base.metadata) == []
