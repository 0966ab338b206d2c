"""One database, opened once a process: SQLite in WAL mode by default, PostgreSQL in deployments."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

_BUSY_SECONDS = 60


class DatabaseNotReadyError(Exception):
    """The database is missing, or its tables are not those of this version. The message says what to run."""


class Database:
    """A database by its URL. ``reading()`` and ``writing()`` give a connection inside one transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        parsed = sa.make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path = Path(parsed.database) if self.is_sqlite and parsed.database else None
        if self.is_sqlite:
            self.engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self.engine = sa.create_engine(url, pool_pre_ping=True)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database from beginning to end."""
        options: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection whose changes commit together when the block ends, or not at all when it raises.

        On SQLite the write lock is taken at the start, so two writers wait for each other instead of failing midway.
        """
        with self.engine.connect().execution_options(banshi_write=True) as connection, connection.begin():
            yield connection

    def upgrade(self) -> None:
        """Create or migrate the tables to this version's."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.engine.connect().execution_options(banshi_write=True) as connection, connection.begin():
            config = _alembic_config()
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    def require_ready(self) -> None:
        """Raise DatabaseNotReadyError unless the tables are those of this version.

        A reader never makes an empty database by looking for one.
        """
        if self.path is not None and not self.path.exists():
            raise DatabaseNotReadyError(f"数据库 {self.path} 不存在。请先运行：banshi init")
        with self.reading() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        head = ScriptDirectory.from_config(_alembic_config()).get_current_head()
        if current != head:
            raise DatabaseNotReadyError(
                f"数据库的表结构是 {current or '空的'}，本程序需要 {head}。请先运行：banshi init"
            )

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def _alembic_config() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # pysqlite opens transactions by itself and too late; take that over (SQLAlchemy's documented recipe).
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # FULL: a commit that was reported survives a power cut, not only a killed process.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("banshi_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
