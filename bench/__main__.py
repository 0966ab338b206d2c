"""Rebuild, search and memory on the sample catalogue, each beside its floor, in one run."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import jieba
from rich.console import Console
from rich.table import Table

from banshi.composition import Application
from banshi.settings import Settings
from bench.machine import describe, percentile, resident_mib
from bench.queries import measured_prefixes, measured_queries
from guides import exchange, lookups, standard, store
from guides.sample.catalogue import SampleCatalogue
from indexer.document import indexed_texts
from indexer.folding import fold
from indexer.rebuild import rebuild
from search.request import SearchRequest
from search.suggest import Suggester

QUERIES = 500


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="banshi-bench-") as folder:
        figures = measure(Path(folder))
    if arguments.json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    table = Table(title=f"{describe()}; {figures['guides']} guides")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.1f}" if isinstance(value, float) else str(value))
    Console(width=110).print(table)


def measure(folder: Path) -> dict[str, float | int | str]:
    """All figures, in the order they are printed."""
    settings = Settings(data=folder)
    application = Application(settings)
    figures: dict[str, float | int | str] = {}
    started = time.perf_counter()
    application.database.upgrade()
    with application.database.writing() as connection:
        standard.seed(connection)
    report = exchange.import_records(application.database, SampleCatalogue().records(), note="bench")
    figures["guides"] = report.guides.added
    figures["load the sample catalogue, s"] = time.perf_counter() - started
    figures |= _analysis(application)
    for processes in (1, 2):
        built = rebuild(application.database, application.index_folder, processes=processes)
        figures[f"rebuild, {processes} process(es), guides/s"] = built.guides_per_second
    queries = measured_queries(application.search.language.lexicon, QUERIES)
    figures |= _in_process(application, queries)
    figures |= _suggesting(application)
    figures |= _over_http(settings, queries)
    return figures


def _analysis(application: Application) -> dict[str, float | int | str]:
    """The floor of a rebuild: jieba alone, in one process, over every text that the index holds."""
    with application.database.reading() as connection:
        items = {item.code: item for item in lookups.items(connection)}
        themes = lookups.theme_names(connection)
        texts = [
            [fold(text) for text in indexed_texts(guide, items[guide.item_code], themes)]
            for guide in store.latest_guides(connection, store.guide_codes(connection))
        ]
    distinct = {text for guide in texts for text in guide}
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    started = time.perf_counter()
    for guide in texts:
        for text in guide:
            for _token in tokenizer.cut_for_search(text):
                pass
    seconds = time.perf_counter() - started
    return {
        "characters to analyse": sum(len(text) for guide in texts for text in guide),
        "of these distinct": sum(map(len, distinct)),
        "bare jieba, 1 process, guides/s": len(texts) / seconds,
    }


def _in_process(application: Application, queries: list[SearchRequest]) -> dict[str, float | int | str]:
    service = application.search
    for request in queries[:20]:
        service.search(request)
    took: list[float] = []
    engine: list[float] = []
    for request in queries:
        started = time.perf_counter()
        response = service.search(request)
        took.append((time.perf_counter() - started) * 1000)
        engine.append(response.engine_ms)
    return {
        f"in process, {len(queries)} queries, p50 ms": percentile(took, 0.50),
        "in process, p95 ms": percentile(took, 0.95),
        "in process, p99 ms": percentile(took, 0.99),
        "of which engine, p50 ms": percentile(engine, 0.50),
        "of which engine, p95 ms": percentile(engine, 0.95),
        "of which engine, p99 ms": percentile(engine, 0.99),
    }


def _suggesting(application: Application) -> dict[str, float | int | str]:
    service = application.search
    lexicon = service.language.lexicon
    started = time.perf_counter()
    Suggester(lexicon)
    made = (time.perf_counter() - started) * 1000
    prefixes = measured_prefixes(lexicon, QUERIES)
    took: list[float] = []
    for prefix in prefixes:
        started = time.perf_counter()
        service.suggest(prefix)
        took.append((time.perf_counter() - started) * 1000)
    return {
        "texts to suggest": sum(len(item.texts) for item in lexicon.items),
        "making the suggester anew, ms": made,
        f"suggesting, {len(prefixes)} beginnings, p50 ms": percentile(took, 0.50),
        "suggesting, p95 ms": percentile(took, 0.95),
        "suggesting, p99 ms": percentile(took, 0.99),
    }


def _over_http(settings: Settings, queries: list[SearchRequest]) -> dict[str, float | int | str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with _served(settings, port) as web:
        base = f"http://127.0.0.1:{port}"
        took: list[float] = []
        for path in ("/api/v1/search", "/search"):
            for request in queries:
                query = urllib.parse.urlencode({"q": request.text, "division": request.division})
                started = time.perf_counter()
                with urllib.request.urlopen(f"{base}{path}?{query}") as answer:
                    answer.read()
                if path == "/api/v1/search":
                    took.append((time.perf_counter() - started) * 1000)
        workers = [resident_mib(pid) for pid in _children(web)]
    return {
        "API over HTTP, p50 ms": percentile(took, 0.50),
        "API over HTTP, p95 ms": percentile(took, 0.95),
        "API over HTTP, p99 ms": percentile(took, 0.99),
        "memory of a web worker after all that, MiB": max(workers),
    }


@contextlib.contextmanager
def _served(settings: Settings, port: int) -> Iterator[int]:
    environment = {**os.environ, "BANSHI_DATA": str(settings.data), "BANSHI_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "banshi.server"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
                break
            time.sleep(0.2)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


if __name__ == "__main__":
    main()
