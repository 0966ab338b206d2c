"""kill -9 in the middle of a rebuild, of an import, and between commit and follower; a disk that fills up: nothing is
lost, and the next run heals."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from guides import document, store
from guides.database import Database
from tests import catalogue
from tests.postgresql import Databases, sqlite_only

ITEMS = [catalogue.item(n, f"第{n}号证件补领", aliases=[f"{n}号证丢了"]) for n in range(1, 401)]
GUIDES = [catalogue.guide(item, d) for item in ITEMS for d in ("230100", "230102", "230103")]


class Installation:
    """A data folder with a database, and the banshi command on them."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.environment = {
            **os.environ,
            "BANSHI_DATA": str(folder),
            "BANSHI_DATABASE_URL": database.url,
            "BANSHI_INDEX_PROCESSES": "1",
        }

    def start(self, *arguments: str, largest_file: int | None = None) -> subprocess.Popen[bytes]:
        """``largest_file`` bytes stand for a disk that is full at that size."""
        limit = [] if largest_file is None else ["prlimit", f"--fsize={largest_file}"]
        return subprocess.Popen(
            [*limit, sys.executable, "-m", "banshi", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> Any:
        process = self.start(*arguments, "--json")
        out, err = process.communicate()
        assert process.returncode == 0, err.decode()
        return json.loads(out)

    def kill(self, process: subprocess.Popen[bytes]) -> bool:
        """Kill the process and its children at once; False where it had ended already."""
        alive = process.poll() is None
        if alive:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return alive

    def current(self) -> str:
        return str(json.loads((self.folder / "index" / "current.json").read_text())["name"])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the catalogue of these tests. The same on every database, so it is built once; copied, never
    changed."""
    folder: Path = tmp_path_factory.mktemp("index")
    with contextlib.closing(catalogue.filled_database(folder, ITEMS, GUIDES)) as database:
        Installation(folder, database).run("index", "rebuild")
    return folder / "index"


@pytest.fixture
def installation(databases: Databases, index: Path, tmp_path: Path) -> Installation:
    shutil.copytree(index, tmp_path / "index")
    return Installation(tmp_path, databases.filled(ITEMS, GUIDES))


@sqlite_only  # a rebuild writes the index's files; of the database it only reads
def test_a_rebuild_killed_midway_leaves_the_old_index_serving_and_the_next_one_heals(
    installation: Installation,
) -> None:
    old = installation.current()
    index = installation.folder / "index"
    killed_midway = 0
    for delay in (0.0, 0.3, 0.8):
        known = set(index.glob("banshi-*"))
        process = installation.start("index", "rebuild")
        # A new one, not only a change: the rebuild first removes what the killed one left.
        while process.poll() is None and not set(index.glob("banshi-*")) - known:
            time.sleep(0.01)
        time.sleep(delay)
        killed = installation.kill(process)
        if killed and installation.current() == old:
            killed_midway += 1
            assert len(set(index.glob("banshi-*"))) > 1
        old = installation.current()
        assert installation.run("search", "7号证丢了", "--division", "道里区")["results"][0]["title"] == "第7号证件补领"
    assert killed_midway
    report = installation.run("index", "rebuild")
    assert report["guides"] == len(GUIDES)
    assert installation.run("index", "check")["passed"]
    assert len(set(index.glob("banshi-*"))) == 2


def test_an_import_killed_midway_leaves_everything_as_it_was_and_the_next_one_succeeds(
    installation: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "import.jsonl"
    with path.open("w") as stream:
        for guide in GUIDES:
            stream.write(json.dumps(document.dump(guide) | {"summary": "第二次。"}) + "\n")
    killed_midway = 0
    for delay in (0.6, 0.8, 1.0, 1.2):
        process = installation.start("guides", "import", str(path))
        time.sleep(delay)
        killed = installation.kill(process)
        changed = changed_guides(installation)
        assert changed in (0, len(GUIDES)), "all or nothing"
        killed_midway += killed and changed == 0
        if changed:
            break
    assert killed_midway
    installation.run("guides", "import", str(path))
    assert changed_guides(installation) == len(GUIDES)


def changed_guides(installation: Installation) -> int:
    """How many guides have the text of the import."""
    with installation.database.reading() as connection:
        codes = [guide.code for guide in GUIDES]
        return sum(guide.summary == "第二次。" for guide in store.latest_guides(connection, codes))


def test_what_was_committed_while_no_follower_lived_is_found_after_the_next_sync(
    installation: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "import.jsonl"
    path.write_text(
        "\n".join(json.dumps(document.dump(g) | {"title": f"{g.title}新名"}) for g in GUIDES[:600]), encoding="utf-8"
    )
    follower = installation.start("index", "sync", "--follow")
    time.sleep(1.5)
    installation.kill(follower)
    installation.run("guides", "import", str(path))
    assert installation.run("index", "status")["lag"] == 600
    process = installation.start("index", "sync")
    time.sleep(1.0)
    installation.kill(process)
    assert installation.run("index", "check")["surplus"] == []
    installation.run("index", "sync")
    assert installation.run("index", "status")["lag"] == 0
    assert installation.run("index", "check")["passed"]
    assert installation.run("search", "7号证丢了")["results"][0]["title"] == "第7号证件补领新名"


@sqlite_only  # the limit is on the files of the command itself; PostgreSQL's are its server's
@pytest.mark.parametrize(
    "command", [("index", "rebuild"), ("guides", "import", "import.jsonl")], ids=["rebuild", "import"]
)
def test_a_full_disk_is_told_in_words_and_leaves_everything_as_it_was(
    installation: Installation, tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changed = "\n".join(json.dumps(document.dump(guide) | {"summary": "第二次。"}) for guide in GUIDES)
    (tmp_path / "import.jsonl").write_text(changed, encoding="utf-8")
    index = installation.current()
    process = installation.start(*command, largest_file=100_000)
    _out, err = process.communicate()
    assert process.returncode == 1
    assert "请检查磁盘空间" in err.decode()
    assert "Traceback" not in err.decode()
    assert installation.current() == index
    assert changed_guides(installation) == 0
    assert len(list((tmp_path / "index").glob("banshi-*"))) == 1
    installation.run(*command)
    assert installation.run("index", "check")["different"] == []
