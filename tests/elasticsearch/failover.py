"""Three nodes, a served site, citizens who search and clerks who change guides, while nodes die and come back.

A scenario with its figures: a test runs it short and asserts what must hold, ``python -m bench.failover`` runs it
longer and prints the table.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from banshi.composition import Application
from banshi.settings import Settings
from guides import document, store
from indexer import gate
from indexer.rebuild import rebuild
from tests import catalogue
from tests.banshi.server import free_port
from tests.elasticsearch.node import Cluster
from tests.waiting import eventually

SEARCHES_A_SECOND = 20
CHANGES_A_SECOND = 2
ITEMS = [catalogue.item(n, f"第{n}号证件补领", aliases=[f"{n}号证丢了"]) for n in range(1, 121)]
GUIDES = [catalogue.guide(item, d) for item in ITEMS for d in ("230100", "230102", "230103")]
_PATIENCE_SECONDS = 120


@dataclass
class Phase:
    """What citizens met while the cluster was in one state."""

    name: str
    seconds: float = 0.0
    searches: int = 0
    errors: int = 0
    by_engine: Counter[str] = field(default_factory=Counter)
    degraded: int = 0
    milliseconds: list[float] = field(default_factory=list)
    changes: int = 0


@dataclass
class Outcome:
    """The phases, and what became of the changes. Seconds are from the start of the last phase (nodes come back)."""

    phases: list[Phase]
    changes: int
    lost: int
    seconds_until_engine_answers: float
    seconds_until_fresh: float
    report: gate.GateReport


class Site:
    """``banshi serve`` on a cluster, and what is asked of it."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.port = free_port()
        self.folder = folder
        self.settings = Settings(
            data=folder,
            engine="elasticsearch",
            elasticsearch_urls=",".join(cluster.urls),
            elasticsearch_index="failover",
            elasticsearch_replicas=1,
            port=self.port,
            workers=2,
        )
        self.application = Application(self.settings)
        catalogue.filled_database(folder, ITEMS, GUIDES).close()
        for indexes in self.application.indexes:
            rebuild(self.application.database, indexes, processes=1)
        self._log = (folder / "serve.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "banshi", "serve"],
            env={**os.environ, **self.settings.as_environment()},
            stdout=self._log,
            stderr=self._log,
        )

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, json.loads(body)
        finally:
            connection.close()

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return self.get("/readyz")[0] == 200
        return False

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()
        self.application.database.close()
        self.application.elasticsearch.close()


class _Load:
    """Searches and changes at a steady pace, counted into the phase that is on."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.phase = Phase("before")
        self.changed: dict[str, str] = {}
        self.changes = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(16)
        self._threads = [
            threading.Thread(target=self._paced, args=(self._submit_search, SEARCHES_A_SECOND)),
            threading.Thread(target=self._paced, args=(self._change, CHANGES_A_SECOND)),
        ]
        for thread in self._threads:
            thread.start()

    def _paced(self, act: Callable[[int], None], per_second: int) -> None:
        started, number = time.monotonic(), 0
        while not self._stop.is_set():
            act(number)
            number += 1
            self._stop.wait(max(0.0, started + number / per_second - time.monotonic()))

    def _submit_search(self, number: int) -> None:
        self._pool.submit(self._search, number)

    def _search(self, number: int) -> None:
        phase = self.phase
        words = quote(f"{number % len(ITEMS) + 1}号证丢了")
        started = time.monotonic()
        try:
            status, answer = self.site.get(f"/api/v1/search?q={words}&division=230102")
            good = status == 200 and answer["total"] > 0
        except (OSError, ValueError, http.client.HTTPException):
            good, answer = False, {}
        with self._lock:
            phase.searches += 1
            phase.milliseconds.append((time.monotonic() - started) * 1000)
            if good:
                phase.by_engine[answer["engine"]] += 1
                phase.degraded += answer["degraded"]
            else:
                phase.errors += 1

    def _change(self, number: int) -> None:
        """A clerk gives a guide another title."""
        guide = GUIDES[(number * 7) % len(GUIDES)]
        title = f"{guide.title}改{number}"
        changed = document.Guide.model_validate(document.dump(guide) | {"title": title})
        with self.site.application.database.writing() as connection:
            store.save_guides(connection, [changed], "失效演练")
        self.changed[guide.code] = title
        self.changes += 1
        self.phase.changes += 1

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._pool.shutdown()


def run(folder: Path, cluster: Cluster, *, phase_seconds: float) -> Outcome:
    """Play the scenario. Each phase lasts ``phase_seconds``; the last one until the cluster is fresh again."""
    site = Site(folder, cluster)
    try:
        assert eventually(site.is_ready, _PATIENCE_SECONDS), (folder / "serve.log").read_text()[-2000:]
        return _play(site, cluster, phase_seconds)
    finally:
        site.close()


def _play(site: Site, cluster: Cluster, phase_seconds: float) -> Outcome:
    phases: list[Phase] = []
    load = _Load(site)

    @contextlib.contextmanager
    def phase(name: str) -> Iterator[Phase]:
        load.phase = Phase(name)
        phases.append(load.phase)
        started = time.monotonic()
        yield load.phase
        load.phase.seconds = time.monotonic() - started

    try:
        with phase("three nodes"):
            time.sleep(phase_seconds)
        with phase("one killed"):
            cluster.nodes[0].kill()
            time.sleep(phase_seconds)
        with phase("all killed"):
            for node in cluster.nodes:
                node.kill()
            time.sleep(phase_seconds)
        with phase("coming back"):
            returned = time.monotonic()
            for node in cluster.nodes:
                node.start()
            assert eventually(lambda: _answers(site), _PATIENCE_SECONDS), "the engine did not come back"
            answered = time.monotonic() - returned
            assert eventually(lambda: _is_fresh(site), _PATIENCE_SECONDS), "the index did not catch up"
            fresh = time.monotonic() - returned
        with phase("three nodes again"):
            time.sleep(phase_seconds)
    finally:
        load.stop()
    assert eventually(lambda: _is_fresh(site), _PATIENCE_SECONDS), "the last changes did not arrive"
    indexes = site.application.elasticsearch
    reader = indexes.reader(indexes.current())
    report = gate.check(site.application.database, reader)
    titles = _titles(site, reader.name)
    lost = sum(titles.get(code) != title for code, title in load.changed.items())
    return Outcome(phases, load.changes, lost, answered, fresh, report)


def _answers(site: Site) -> bool:
    """Whether every worker has its searches answered by the engine again: some in a row."""
    found = [site.get("/api/v1/search?q=%E8%AF%81%E4%BB%B6")[1] for _ in range(10)]
    return all(not answer["degraded"] for answer in found)


def _is_fresh(site: Site) -> bool:
    """Whether the engine's index has seen a change that was made less than two seconds ago."""
    (engine, *_standby) = site.get("/readyz")[1]["engines"]
    return bool(engine["ready"]) and engine["lag"]["seconds"] < 2.0 and engine["name"] == "elasticsearch"


def _titles(site: Site, index: str) -> dict[str, str]:
    from elasticsearch.helpers import scan

    query = {"query": {"exists": {"field": "item_code"}}, "_source": ["card"]}
    hits = scan(site.application.elasticsearch.client, index=index, query=query)
    return {hit["_id"]: json.loads(hit["_source"]["card"])["title"] for hit in hits}
