"""The banshi command on a small data folder: in this process where that is the same, in one of its own where it is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from banshi.cli.main import cli
from banshi.composition import Application
from banshi.settings import Settings
from guides import document
from guides.database import Database
from indexer.rebuild import rebuild
from tests import catalogue

ID_CARD = catalogue.item(1, "居民身份证补领", aliases=["身份证丢了"], popularity=5)
PASSPORT = catalogue.item(2, "普通护照签发", aliases=["办护照"], popularity=3)
ID_CARD_GUIDE = catalogue.guide(ID_CARD, "230102")
GUIDES = [
    ID_CARD_GUIDE,
    catalogue.guide(ID_CARD, "230103"),
    catalogue.guide(
        PASSPORT,
        "230100",
        result=document.Result(name="普通护照"),
        legal_basis=[document.LegalBasis(law="中华人民共和国护照法")],
    ),
]


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said where."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        lines = self.stdout.splitlines()
        assert len(lines) == 1, self.stdout
        return json.loads(lines[0])


class Command:
    """``banshi`` with BANSHI_DATA set to one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BANSHI_")}
        return {**inherited, "BANSHI_DATA": str(self.folder), "BANSHI_INDEX_PROCESSES": "1", "BANSHI_WORKERS": "1"}

    def __call__(self, *arguments: str | Path, **settings: str) -> Outcome:
        """Run in this process. ``settings`` are environment variables."""
        runner = CliRunner(env={**self.environment, **settings})
        result = runner.invoke(cli, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def start(self, *arguments: str | bytes, **settings: str) -> subprocess.Popen[bytes]:
        """Start ``python -m banshi`` in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "banshi", *arguments],
            env={**self.environment, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def process(self, *arguments: str | bytes, **settings: str) -> Outcome:
        """Run ``python -m banshi`` as a process."""
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=120)
        return Outcome(process.returncode, out.decode(), err.decode())

    def database(self) -> Database:
        return Database(f"sqlite:///{self.folder / 'banshi.db'}")


def write_lines(path: Path, *records: Any) -> Path:
    """A JSON Lines file of records and plain dictionaries."""
    lines = [document.dump(r) if isinstance(r, document.Record) else r for r in records]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def changed(guide: document.Guide, **fields: Any) -> document.Guide:
    """A guide with other content."""
    return document.Guide.model_validate(document.dump(guide) | fields)


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the small catalogue and its index. Copied, never changed."""
    folder: Path = tmp_path_factory.mktemp("prepared")
    catalogue.filled_database(folder, [ID_CARD, PASSPORT], GUIDES).close()
    application = Application(Settings(data=folder))
    rebuild(application.database, application.index_folder, processes=1)
    application.database.close()
    return folder


@pytest.fixture
def banshi(prepared_folder: Path, tmp_path: Path) -> Command:
    """The command on a copy of the prepared folder."""
    folder = tmp_path / "data"
    shutil.copytree(prepared_folder, folder)
    return Command(folder)


@pytest.fixture
def empty_banshi(tmp_path: Path) -> Command:
    """The command on a folder with nothing in it."""
    return Command(tmp_path / "nothing")
