"""What only PostgreSQL brings: writers that do not lock the whole database, another order of text, a server that dies.

What holds on every database is in the other tests, which run on it, too.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import guides.database
from banshi.cli.main import cli
from guides import exchange, lookups, outbox, store
from guides.database import Database, DatabaseNotReadyError
from tests import catalogue
from tests.postgresql import Databases, postgresql_only

pytestmark = postgresql_only


def test_outbox_numbers_appear_in_the_order_of_commits_and_a_follower_misses_none(databases: Databases) -> None:
    database = databases.new()
    writers, turns, size = 4, 10, 3
    expected = writers * turns * size

    def write(worker: int) -> None:
        for turn in range(turns):
            # Not database.writing(): the outbox keeps its promise by itself, also for writers without that lock.
            with database.engine.begin() as connection:
                outbox.append(connection, [outbox.Change(f"{worker}{turn}", None, "item")] * size)
                time.sleep((worker + turn) % 3 * 0.01)

    seen: list[int] = []
    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(writers)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while len(seen) < expected and time.monotonic() < deadline:
        with database.reading() as connection:
            assert outbox.last_id(connection) >= len(seen)
            seen += [entry.id for entry in outbox.after(connection, seen[-1] if seen else 0)]
    for thread in threads:
        thread.join()
    assert seen == list(range(1, expected + 1))


def test_a_later_writer_gets_its_numbers_only_when_the_earlier_one_is_done(databases: Databases) -> None:
    database = databases.new()
    late_is_done = threading.Event()

    def late() -> None:
        with database.engine.begin() as connection:
            outbox.append(connection, [outbox.Change("2", None, "item")])
        late_is_done.set()

    with database.engine.begin() as connection:
        outbox.append(connection, [outbox.Change("1", None, "item")])
        thread = threading.Thread(target=late)
        thread.start()
        assert not late_is_done.wait(0.5)
        with database.reading() as other:
            assert outbox.after(other, 0) == []
    thread.join()
    with database.reading() as connection:
        assert [(entry.id, entry.item_code) for entry in outbox.after(connection, 0)] == [(1, "1"), (2, "2")]


def test_two_imports_of_the_same_guides_in_opposite_order_both_succeed(databases: Databases) -> None:
    items = [catalogue.item(n, f"第{n}号证件补领") for n in range(1, 41)]
    guides = [catalogue.guide(item) for item in items]
    database = databases.filled(items, guides)
    errors: list[BaseException] = []

    def write(order: int) -> None:
        changed = [guide.model_copy(update={"summary": f"改于 {order}。"}) for guide in guides[::order]]
        try:
            exchange.import_records(database, [*items[::order], *changed], note="测试")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(order,)) for order in (1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with database.reading() as connection:
        versions = [store.published_guide(connection, guide.code) for guide in guides]
        numbers = {lookups.published_version_number(connection, guide.code) for guide in guides}
    assert len({guide.summary for guide in versions if guide}) == 1
    assert numbers == {3}


def test_a_writer_that_waits_too_long_gives_up(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    database = databases.new()
    monkeypatch.setattr(guides.database, "_BUSY_SECONDS", 0.2)
    with database.writing(), pytest.raises(sa.exc.OperationalError, match="lock timeout"), database.writing():
        pass
    with database.writing():
        pass


def test_two_migrations_at_once_both_succeed(databases: Databases) -> None:
    database = databases.without_tables()
    with pytest.raises(DatabaseNotReadyError, match="banshi init"):
        database.require_ready()
    threads = [threading.Thread(target=database.upgrade) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.require_ready()


def test_a_catalogue_is_exported_as_from_sqlite_whatever_the_order_of_text(
    databases: Databases, tmp_path: Path
) -> None:
    items = [catalogue.item().model_copy(update={"code": code, "name": f"事项{code}"}) for code in ("b1", "a2", "B3", "10", "9")]  # fmt: skip
    guides = [catalogue.guide(item).model_copy(update={"code": f"{item.code}x"}) for item in items]
    exported = []
    for database in (databases.filled(items, guides), catalogue.filled_database(tmp_path, items, guides)):
        with database.reading() as connection:
            assert connection.execute(sa.text("SELECT 'a' < 'B'")).scalar() == (not database.is_sqlite)
        exchange.export_file(database, tmp_path / "out.jsonl")
        exported.append((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
        database.close()
    assert exported[0] == exported[1]


def test_a_connection_that_the_server_closed_is_replaced(databases: Databases) -> None:
    database = databases.new()
    with database.reading() as connection:
        number = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    other = Database(database.url)
    with other.reading() as connection:
        assert connection.execute(sa.text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number}).scalar()
    other.close()
    with database.reading() as connection:
        assert connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one() != number


def test_the_driver_need_not_be_named(databases: Databases) -> None:
    short = Database(databases.new().url.replace("postgresql+psycopg:", "postgresql:"))
    short.require_ready()
    short.close()


@pytest.mark.parametrize(
    ("of_the_test", "instead", "said"),
    [
        ("host=", "host=/nowhere", "/nowhere"),
        ("/test_", "/no_such_", 'database "no_such_'),
        ("banshi@", "nobody@", 'role "nobody"'),
    ],
    ids=["server", "database", "role"],
)
def test_a_server_that_is_not_there_or_refuses_is_told_in_words(
    databases: Databases, tmp_path: Path, of_the_test: str, instead: str, said: str
) -> None:
    url = databases.new().url.replace(of_the_test, instead)
    runner = CliRunner(env={"BANSHI_DATA": str(tmp_path), "BANSHI_DATABASE_URL": url})
    result = runner.invoke(cli, ["guides", "show", "X"])
    assert result.exit_code == 1
    assert said in result.stderr
    assert "系统出错" in result.stderr
    assert "Traceback" not in result.stderr
