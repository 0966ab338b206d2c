"""What backup.sh and restore.sh need to know of the database that Banshi's settings name.

python database.py kind                   prints sqlite or postgresql; refuses to run as the wrong account
python database.py path                   prints the file of a SQLite database
python database.py copy FROM TO           copies a SQLite database while others write to it, and checks the copy
python database.py idle                   refuses where another process uses the database
python database.py empty                  exits with 1 where the database has guides
python database.py run PROGRAM ARGUMENT.. runs a program of PostgreSQL's on the database

A refusal is one sentence on standard error and exit status 1.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from pathlib import Path

import sqlalchemy as sa
from psycopg import pq
from pydantic import ValidationError

from banshi.settings import Settings

_BUSY_SECONDS = 60


class Refused(Exception):  # noqa: N818 - it is no error of ours
    """Why not, and what to do."""


def kind(settings: Settings) -> str:
    """The database's name as SQLAlchemy has it."""
    found = sa.make_url(settings.resolved_database_url).get_backend_name()
    if found not in ("sqlite", "postgresql"):
        raise Refused(f"BANSHI_DATABASE_URL names {found}; Banshi runs on SQLite and PostgreSQL.")
    if settings.data.is_dir() and settings.data.stat().st_uid != os.geteuid():
        # Files made by root would keep Banshi from its own folder.
        raise Refused(f"{settings.data} belongs to another account; run this as that one (see as-banshi).")
    return found


def path(settings: Settings) -> Path:
    """The file of a SQLite database."""
    name = sa.make_url(settings.resolved_database_url).database
    if not name:
        raise Refused("BANSHI_DATABASE_URL names no file.")
    return Path(name).resolve()


def copy(source: Path, target: Path) -> None:
    """Copy a SQLite database as it was at one moment, and make sure that the copy is whole and Banshi's."""
    if not source.is_file():
        raise Refused(f"there is no database {source}.")
    for left in (target, target.with_name(f"{target.name}-journal")):  # by one that was killed
        left.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as reading,
        contextlib.closing(sqlite3.connect(target)) as written,
    ):
        reading.backup(written)
        # One file that is complete by itself; Banshi sets WAL again when it opens it.
        written.execute("PRAGMA journal_mode=DELETE")
        found = [row[0] for row in written.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise Refused(f"{source} is damaged: {'; '.join(found[:3])}")
        if not written.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            raise Refused(f"{source} is not a database of Banshi's.")


def require_idle(settings: Settings) -> None:
    """Refuse where the database is in use: what is put in its place would not be seen, or would be mixed with it."""
    users = _sqlite_users(path(settings)) if kind(settings) == "sqlite" else _postgresql_users(settings)
    if users:
        raise Refused(f"the database is in use ({', '.join(users)}). Stop Banshi first, on every machine.")


def _sqlite_users(file: Path) -> list[str]:
    files = {str(file), f"{file}-wal"}
    return [f"process {folder.name}" for folder in Path("/proc").glob("[0-9]*") if files & _opened_by(folder)]


def _opened_by(process: Path) -> set[str]:
    """The files that a process has open; none of one that has ended or is another account's."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(descriptor.readlink()))
    return found


def _postgresql_users(settings: Settings) -> list[str]:
    engine = sa.create_engine(settings.resolved_database_url)
    with contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT DISTINCT coalesce(host(client_addr), 'this machine') FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        users = [f"from {row[0]}" for row in cursor.fetchall()]
    engine.dispose()
    return users


def is_empty(settings: Settings) -> bool:
    """Whether nothing would be lost by putting another database in this one's place."""
    if kind(settings) == "sqlite":
        # Any file counts: one that can't be read may still be mended by somebody.
        return not path(settings).exists()
    engine = sa.create_engine(settings.resolved_database_url)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("guide"):
                return True
            return connection.execute(sa.text("SELECT 1 FROM guide LIMIT 1")).first() is None
    finally:
        engine.dispose()


def run(settings: Settings, program: list[str]) -> None:
    """Become ``program`` with the connection in its environment: in its arguments everybody could read the password."""
    url = sa.make_url(settings.resolved_database_url)
    _, options = url.get_dialect()().create_connect_args(url)
    variables = {option.keyword.decode(): option.envvar for option in pq.Conninfo.get_defaults()}
    environment = dict(os.environ)
    for name, value in options.items():
        variable = variables.get(name)
        if variable is None:
            raise Refused(f"{program[0]} can't be told {name} of BANSHI_DATABASE_URL.")
        environment[variable.decode()] = str(value)
    try:
        os.execvpe(program[0], program, environment)
    except FileNotFoundError:
        raise Refused(f"there is no {program[0]}. Install postgresql-client, of the server's version.") from None


def main(arguments: list[str]) -> int:
    """Do what the command line says; return the exit status."""
    try:
        settings = Settings()
        match arguments:
            case ["kind"]:
                print(kind(settings))
            case ["path"]:
                print(path(settings))
            case ["copy", source, target]:
                copy(Path(source).resolve(), Path(target).resolve())
            case ["idle"]:
                require_idle(settings)
            case ["empty"]:
                return 0 if is_empty(settings) else 1
            case ["run", *program] if program:
                run(settings, program)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    except ValidationError as error:  # its own text would repeat the value, which may be a password
        print("; ".join(f"BANSHI_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()), file=sys.stderr)
        return 1
    except (OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as error:
        print(str(getattr(error, "orig", error)).strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
