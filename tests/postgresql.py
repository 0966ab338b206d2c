"""A real PostgreSQL for tests, and the fixture by which a test runs on it and on SQLite in turn.

The server is Debian's, 15 or newer. It is started when the first test asks for it, on a Unix socket only, and ends
with the tests. It is set up unlike SQLite wherever an installation may be: another order of text, another time zone.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from guides import document
from guides.database import Database
from tests import catalogue

_USER = "banshi"
_START_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "",
    "timezone": "Asia/Shanghai",
    # The machine may not lose power during a test; a process that is killed loses nothing by these.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
_EMPTY = "banshi_empty"
_PREPARED = "banshi_prepared"


class PostgresqlServer:
    """A running server, and databases made from its templates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._admin = psycopg.connect(host=str(folder), user=_USER, dbname="postgres", autocommit=True)
        self._count = 0
        # This order has letters without regard to their case, and Chinese by its sound; SQLite has the code points.
        self.execute(f"CREATE DATABASE {_EMPTY} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'zh'")
        self.execute(f"CREATE DATABASE {_PREPARED} TEMPLATE {_EMPTY}")
        database = Database(self.url(_PREPARED))
        catalogue.prepare(database)
        database.close()

    def url(self, name: str) -> str:
        """The address of a database, as an operator would set it."""
        return f"postgresql+psycopg://{_USER}@/{name}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run one statement outside of any transaction and outside of the tests' databases."""
        self._admin.execute(statement)

    def create(self, template: str) -> str:
        """The name of a new database that equals ``template``."""
        self._count += 1
        name = f"test_{self._count}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def close(self) -> None:
        """Leave the server; it goes on running."""
        self._admin.close()


class Databases:
    """Makes new databases of one backend for a test. All are closed and dropped when the test ends."""

    def __init__(self, new_url: Callable[[str], str], drop: Callable[[str], None]) -> None:
        self._new_url = new_url
        self._drop = drop
        self._made: list[Database] = []

    def without_tables(self) -> Database:
        """A database with nothing in it."""
        return self._made_from(_EMPTY)

    def new(self) -> Database:
        """A database with the standard's tables."""
        return self._made_from(_PREPARED)

    def filled(
        self, items: Sequence[document.Item], guides: Sequence[document.Guide], sectors: Sequence[str] = ("公安",)
    ) -> Database:
        """A database with the small catalogue."""
        database = self.new()
        catalogue.fill(database, items, guides, sectors)
        return database

    def _made_from(self, template: str) -> Database:
        database = Database(self._new_url(template))
        self._made.append(database)
        return database

    def drop(self) -> None:
        """Close and drop all databases made so far."""
        while self._made:
            database = self._made.pop()
            database.close()
            self._drop(database.url)


def _sqlite(folder: Path) -> Databases:
    def new_url(template: str) -> str:
        url = f"sqlite:///{Path(tempfile.mkdtemp(dir=folder)) / 'banshi.db'}"
        if template == _PREPARED:
            database = Database(url)
            catalogue.prepare(database)
            database.close()
        return url

    return Databases(new_url, lambda url: None)


def _postgresql(server: PostgresqlServer) -> Databases:
    names: dict[str, str] = {}

    def new_url(template: str) -> str:
        name = server.create(template)
        names[server.url(name)] = name
        return server.url(name)

    # FORCE: what a killed command left behind may still be connected.
    return Databases(new_url, lambda url: server.execute(f"DROP DATABASE {names.pop(url)} WITH (FORCE)"))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """The server of all tests, started for the first that asks."""
    with _running() as folder:
        server = PostgresqlServer(folder)
        yield server
        server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """New databases; a test that asks for them runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        databases = _sqlite(tmp_path)
    else:
        databases = _postgresql(request.getfixturevalue("postgresql_server"))
    yield databases
    databases.drop()


sqlite_only = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
"""For a test about what only SQLite has; it says why."""

postgresql_only = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
"""For a test about what only PostgreSQL has; it says why."""


@contextlib.contextmanager
def _running() -> Iterator[Path]:
    """The folder of the socket of a new server. Everything of it is gone afterwards."""
    programs = _programs()
    # Not pytest's folder: a socket's path may have 107 characters only, and the server's account may not enter root's.
    folder = Path(tempfile.mkdtemp(prefix="banshi-postgresql-"))
    account = _account()
    as_account = []
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        as_account = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    data, log = folder / "data", folder / "log"
    try:
        made = subprocess.run(
            ["setpriv", *as_account, programs / "initdb", f"--pgdata={data}", f"--username={_USER}", "--auth=trust",
             "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            cwd=folder, capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode:
            pytest.fail(f"initdb: {made.stderr}")
        settings = _SETTINGS | {"unix_socket_directories": str(folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as stream:
            # The signal that ends it comes also when the tests are killed and can't send it.
            process = subprocess.Popen(
                ["setpriv", *as_account, "--pdeathsig=INT", programs / "postgres", "-D", data, *options],
                cwd=folder, stdout=stream, stderr=stream,
            )  # fmt: skip
        try:
            _wait_until_ready(process, folder, log)
            yield folder
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_START_SECONDS)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """The folder of the server's programs, Debian's newest before others."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    elsewhere = shutil.which("postgres")
    if found:
        return found[-1].parent
    if elsewhere:
        return Path(elsewhere).resolve().parent
    pytest.fail("No PostgreSQL server is installed. Run: tests/install-system-packages")


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses to be root; None means whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(folder), user=_USER, dbname="postgres").close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {log.read_text(errors='replace')}")
            time.sleep(0.05)
        else:
            return
