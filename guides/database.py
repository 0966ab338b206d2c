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

_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
_BUSY_SECONDS = 60
_CONNECT_SECONDS = 10
_WRITERS_LOCK = int.from_bytes(b"banshi", "big")
"""The number of the advisory lock that PostgreSQL's writers hold; any will do, but all must use the same."""


class DatabaseNotReadyError(Exception):
    """The database is missing, or its tables are not those of this version. The message says what to run."""


class Database:
    """A database by its URL. ``reading()`` and ``writing()`` give a connection inside one transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        parsed = _parsed(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path = Path(parsed.database) if self.is_sqlite and parsed.database else None
        if self.is_sqlite:
            self.engine = sa.create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS})
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        else:
            # Without a limit a page would wait two minutes for a server that does not answer.
            parsed = parsed.set(query={"connect_timeout": str(_CONNECT_SECONDS), **parsed.query})
            # A pooled connection may have died with its server; it is tried before it is used.
            self.engine = sa.create_engine(parsed, pool_pre_ping=True)
            sa.event.listen(self.engine, "begin", _begin_postgresql)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database from beginning to end."""
        options: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection whose changes commit together when the block ends, or not at all when it raises.

        A lock is taken at the start, so two writers wait for each other instead of failing midway, and a writer sees
        all that the one before it wrote. One that waits for more than a minute gives up.
        """
        options: dict[str, Any] = {"banshi_write": True}
        if not self.is_sqlite:
            # Whatever the server's default: a state seen from the beginning would be one from before the lock.
            options["isolation_level"] = "READ COMMITTED"
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def upgrade(self) -> None:
        """Create or migrate the tables to this version's."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.writing() as connection:
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


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in _DRIVERS:
        # The address itself is not repeated: it may hold a password.
        raise DatabaseNotReadyError(
            "BANSHI_DATABASE_URL 不是可用的数据库地址，应写成 sqlite:///文件路径，"
            "或 postgresql+psycopg://用户:密码@主机:端口/库名"
        )
    return parsed


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


def _begin_postgresql(connection: sa.Connection) -> None:
    # Rows that two writers both add can't be locked beforehand, and rows that both change would be locked in different
    # orders. The lock belongs to the transaction, so it ends with it, also when its process is killed.
    if connection.get_execution_options().get("banshi_write", False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})").close()
