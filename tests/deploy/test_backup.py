"""backup.sh and restore.sh, for real, on both databases: what was saved comes back, and what fails leaves all as it was."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from guides import document, store
from guides.database import Database
from tests import catalogue
from tests.postgresql import Databases, PostgresqlServer, postgresql_only, sqlite_only

DEPLOY = Path(__file__).parents[2] / "deploy"
PROGRAMS = Path(sys.executable).parent
ITEM = catalogue.item(1, "居民身份证补领", aliases=["身份证丢了"])
GUIDE = catalogue.guide(ITEM, "230102", summary="备份之前的说明。")
OTHER = document.Guide.model_validate(document.dump(GUIDE) | {"summary": "备份之后的说明。"})
SUFFIXES = {"sqlite": "db", "postgresql": "dump"}
Ran = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Installation:
    """Banshi on one database and one data folder, with one folder of backups."""

    url: str
    data: Path
    backups: Path

    def run(self, *command: str | Path, **variables: str) -> Ran:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BANSHI_", "PG"))}
        environment = {
            **inherited,
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "BANSHI_DATA": str(self.data),
            "BANSHI_DATABASE_URL": self.url,
            "BANSHI_INDEX_PROCESSES": "1",
            "BACKUP_FOLDER": str(self.backups),
            **variables,
        }
        return subprocess.run([*command], env=environment, capture_output=True, text=True, timeout=120)

    def back_up(self, **variables: str) -> Ran:
        return self.run(DEPLOY / "backup.sh", **variables)

    def restore(self, *arguments: str | Path) -> Ran:
        return self.run(DEPLOY / "restore.sh", *arguments)

    def shown(self) -> Any:
        """The guide as ``banshi guides show`` tells it."""
        return json.loads(ok(self.run("banshi", "guides", "show", GUIDE.code, "--json")).stdout)

    def summary(self) -> str:
        """The part of the guide by which its two versions differ, without the second that a command takes to start."""
        database = Database(self.url)
        with database.reading() as connection:
            (guide,) = store.latest_guides(connection, [GUIDE.code])
        database.close()
        return guide.summary

    def files(self) -> list[str]:
        """What is in the folder of backups, the lock aside."""
        return sorted(path.name for path in self.backups.iterdir() if path.name != ".lock")

    def whole(self) -> Path:
        """The one backup of the whole database."""
        (found,) = self.backups.glob("banshi-*")
        return found


def installation(url: str, folder: Path) -> Installation:
    for name in ("data", "backups"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return Installation(url, folder / "data", folder / "backups")


def filled(databases: Databases, folder: Path) -> tuple[Database, Installation]:
    database = databases.filled([ITEM], [GUIDE])
    database.close()
    return database, installation(database.url, folder)


def change(database: Database) -> None:
    with database.writing() as connection:
        store.save_guides(connection, [OTHER], "更新")
    database.close()


def ok(ran: Ran) -> Ran:
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def refused(ran: Ran, reason: str) -> None:
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert reason in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_backup_made_while_somebody_writes_is_restored_elsewhere(databases: Databases, tmp_path: Path) -> None:
    database, old = filled(databases, tmp_path / "old")
    before = old.shown()
    with database.writing() as connection:
        store.save_guides(connection, [OTHER], "更新")
        ok(old.back_up())
        connection.rollback()
    database.close()
    new = installation(databases.without_tables().url, tmp_path / "new")
    said = ok(new.restore(old.whole())).stdout
    assert new.shown() == before
    assert "restored" in said
    found = json.loads(ok(new.run("banshi", "search", "身份证丢了", "--json")).stdout)
    assert [result["code"] for result in found["results"]] == [GUIDE.code]


def test_a_backup_holds_the_database_and_the_readable_catalogue(databases: Databases, tmp_path: Path) -> None:
    database, here = filled(databases, tmp_path)
    ok(here.back_up())
    suffixes = sorted(name.partition(".")[2] for name in here.files())
    assert suffixes == sorted([SUFFIXES[database.engine.name], "jsonl.gz"])
    assert {(here.backups / name).stat().st_mode & 0o777 for name in here.files()} == {0o600}
    (name,) = here.backups.glob("catalogue-*")
    records = [json.loads(line) for line in gzip.decompress(name.read_bytes()).decode().splitlines()]
    assert [record["code"] for record in records if record["kind"] == "guide"] == [GUIDE.code]


def test_only_the_newest_backups_are_kept_and_other_files_are_left_alone(databases: Databases, tmp_path: Path) -> None:
    database, here = filled(databases, tmp_path)
    suffix = SUFFIXES[database.engine.name]
    old = [f"banshi-2020010{day}-000000.{suffix}" for day in (1, 2, 3)]
    others = [
        "banshi-notes.txt",
        f"banshi-before.{suffix}",
        "catalogue-mine.jsonl",
        "catalogue-20200101-000000.jsonl.gz",
    ]
    for name in [*old, *others, "banshi-20200104-000000.db.part", "banshi-20200104-000000.db.part-journal"]:
        (here.backups / name).write_text("")
    ok(here.back_up(BACKUP_KEEP="2"))
    new = [name for name in here.files() if name not in [*old, *others]]
    assert len(new) == 2, "the database and the catalogue"
    assert here.files() == sorted([old[-1], *others, *new])


@sqlite_only  # PostgreSQL without a database: a server that does not answer, below
def test_a_backup_without_a_database_fails_and_keeps_all_older_ones(databases: Databases, tmp_path: Path) -> None:
    here = installation(databases.without_tables().url, tmp_path)
    old = [f"banshi-2020010{day}-000000.db" for day in (1, 2, 3)]
    for name in old:
        (here.backups / name).write_text("")
    refused(here.back_up(BACKUP_KEEP="1"), "there is no database")
    assert here.files() == old


@sqlite_only  # its file is damaged by hand
def test_a_damaged_database_is_told_not_saved(databases: Databases, tmp_path: Path) -> None:
    database, here = filled(databases, tmp_path)
    assert database.path is not None
    content = bytearray(database.path.read_bytes())
    content[4096 * 3 : 4096 * 9] = b"\xff" * (4096 * 6)
    database.path.write_bytes(content)
    ran = here.back_up()
    assert (ran.returncode, here.files()) == (1, [])
    assert "damaged" in ran.stderr or "malformed" in ran.stderr


def test_a_server_that_does_not_answer_fails_the_backup_without_telling_the_password(tmp_path: Path) -> None:
    here = installation("postgresql+psycopg://banshi:geheim@127.0.0.1:1/banshi", tmp_path)
    ran = here.back_up()
    refused(ran, "127.0.0.1")
    assert here.files() == []
    assert "geheim" not in ran.stdout + ran.stderr


def test_a_program_of_postgresql_gets_the_whole_address_by_its_environment(tmp_path: Path) -> None:
    address = "postgresql+psycopg://banshi:p%40ss%2Fword@database.example:6432/guides?sslmode=require&connect_timeout=3"
    here = installation(address, tmp_path)
    names = ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE", "PGCONNECT_TIMEOUT")
    ran = ok(here.run(PROGRAMS / "python", DEPLOY / "database.py", "run", "printenv", *names))
    assert ran.stdout.split() == ["banshi", "p@ss/word", "database.example", "6432", "guides", "require", "3"]


def test_two_backups_at_once_do_not_mix(databases: Databases, tmp_path: Path) -> None:
    _database, here = filled(databases, tmp_path)
    with (here.backups / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(here.back_up(), "another backup")
    assert here.files() == []


@pytest.mark.parametrize("keep", ["0", "-1", "all", "1; rm -rf x"])
def test_a_number_to_keep_that_is_none_is_refused(tmp_path: Path, keep: str) -> None:
    refused(installation("", tmp_path).back_up(BACKUP_KEEP=keep), "BACKUP_KEEP")


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    refused(installation("", tmp_path).back_up(BACKUP_FOLDER=str(tmp_path / "nowhere")), "nowhere")


def test_a_database_with_guides_is_replaced_only_when_told(databases: Databases, tmp_path: Path) -> None:
    database, here = filled(databases, tmp_path)
    ok(here.back_up())
    change(database)
    refused(here.restore(here.whole()), "--replace")
    assert here.summary() == OTHER.summary
    ok(here.restore(here.whole(), "--replace"))
    assert here.summary() == GUIDE.summary
    if database.path is not None:
        # SQLite's is a file, and is kept beside the restored one.
        (kept,) = database.path.parent.glob("*.before-*[0-9]")
        assert Installation(f"sqlite:///{kept}", here.data, here.backups).summary() == OTHER.summary


def test_a_database_in_use_is_not_replaced(databases: Databases, tmp_path: Path) -> None:
    database, here = filled(databases, tmp_path)
    ok(here.back_up())
    with database.reading() as connection:
        connection.execute(sa.text("SELECT 1 FROM guide"))
        refused(here.restore(here.whole(), "--replace"), "in use")
    database.close()


def test_a_broken_backup_changes_nothing(databases: Databases, tmp_path: Path) -> None:
    database, here = filled(databases, tmp_path)
    ok(here.back_up())
    change(database)
    whole = here.whole().read_bytes()
    broken = tmp_path / here.whole().name
    for kept in (b"", whole[: len(whole) // 2], b"no database" * 100):
        broken.write_bytes(kept)
        ran = here.restore(broken, "--replace")
        assert ran.returncode != 0, len(kept)
        assert here.summary() == OTHER.summary
    assert [path.name for path in here.data.rglob("*.part*")] == []


@postgresql_only  # SQLite has no roles
def test_a_role_that_owns_nothing_but_its_database_restores_into_it(
    databases: Databases, postgresql_server: PostgresqlServer, tmp_path: Path
) -> None:
    _database, old = filled(databases, tmp_path / "old")
    ok(old.back_up())
    postgresql_server.execute("CREATE ROLE plain LOGIN")
    postgresql_server.execute("CREATE DATABASE plain OWNER plain TEMPLATE template0 ENCODING 'UTF8'")
    try:
        new = installation(postgresql_server.url("plain").replace("banshi@", "plain@"), tmp_path / "new")
        ok(new.restore(old.whole()))
        assert new.summary() == GUIDE.summary
    finally:
        postgresql_server.execute("DROP DATABASE plain WITH (FORCE)")
        postgresql_server.execute("DROP ROLE plain")


def test_a_backup_of_the_other_database_or_of_the_catalogue_is_no_backup_of_this_one(
    databases: Databases, tmp_path: Path
) -> None:
    database, here = filled(databases, tmp_path)
    for name, reason in (("banshi-1.db", "no backup"), ("banshi-1.dump", "no backup"), ("c.jsonl.gz", "guides import")):
        if not name.endswith(SUFFIXES[database.engine.name]):
            (tmp_path / name).write_text("")
            refused(here.restore(tmp_path / name), reason)
    refused(here.restore(tmp_path / "nowhere.db"), "nowhere.db")
    refused(here.restore(), "usage")
