"""``banshi serve`` as a process of the tests."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.banshi.conftest import ID_CARD_GUIDE, Command, changed, write_lines

START_SECONDS = 60
STOP_SECONDS = 30


class Server:
    """``banshi serve`` on a data folder, with the processes it started."""

    def __init__(self, folder: Path) -> None:
        self.banshi = Command(folder)
        self.port = free_port()
        self.log = folder / "serve.log"
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "banshi", "serve", "--port", str(self.port)],
                env=self.banshi.environment,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an answer over HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def search(self, words: str) -> Any:
        """The API's answer to a query."""
        status, body = self.get(f"/api/v1/search?q={quote(words)}")
        assert status == 200, body
        return json.loads(body)

    def titles(self, words: str) -> list[str]:
        return [result["title"] for result in self.search(words)["results"]]

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            return self.get("/readyz")[0] == 200
        return False

    def follower(self) -> int | None:
        """The process that keeps the index fresh."""
        found = [pid for pid in descendants(self.process.pid) if "--follow" in arguments_of(pid)]
        return found[0] if found else None

    def publish(self, title: str) -> None:
        """A change made by a clerk: the command imports a guide with another title."""
        path = write_lines(self.banshi.folder / "change.jsonl", changed(ID_CARD_GUIDE, title=title))
        outcome = self.banshi("guides", "import", path)
        assert outcome.exit_code == 0, outcome.stderr

    def stop(self) -> None:
        """End whatever still runs, gently and then not."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


def arguments_of(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return []


def is_running(pid: int) -> bool:
    """Whether a process lives; one that ended but was not fetched yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")
