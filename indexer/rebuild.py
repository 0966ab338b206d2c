"""A whole new index beside the living one: read, analyse in several processes, write, check, swap.

Killed at any point, the old index serves on, and the next rebuild clears away what was left half done. Changes that
commit while it runs are applied before the swap, so the new index is never older than the start of its last look.
"""

from __future__ import annotations

import datetime
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from guides import lookups, outbox
from guides.database import Database
from indexer import gate, lexicon
from indexer.analyst import Analyst
from indexer.document import IndexDocument
from indexer.embedded import EmbeddedReader, EmbeddedWriter, IndexFolder

Progress = Callable[[int, int], None]
"""Called with (guides written, guides in all)."""

_GUIDES_PER_TASK = 400
_GATE_SAMPLE_ITEMS = 40
"""Before the swap every guide is looked for, but only so many items are analysed a second time."""


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild made, and how long its parts took."""

    name: str
    guides: int
    items: int
    seconds: float
    guides_per_second: float
    processes: int
    removed: list[str]


def rebuild(
    database: Database, folder: IndexFolder, *, processes: int | None = None, progress: Progress | None = None
) -> RebuildReport:
    """Build, check and swap in a new index; raise GateError and keep the old one when the check finds a difference."""
    started = time.monotonic()
    with folder.lock("rebuild", "另一个重建正在进行，请等它完成"):
        removed = folder.remove_leftovers()
        with database.reading() as connection:
            position = outbox.last_id(connection)
            counts = lookups.published_items(connection)
            words = lexicon.build(connection, [code for code, _count in counts])
        name = folder.new_name(datetime.datetime.now(datetime.UTC))
        path = folder.root / name
        workers = processes or os.cpu_count() or 1
        try:
            path.mkdir(parents=True)
            words.save(path)
            written = _write(database, path, words, counts, workers, position, progress)
            report = gate.check(database, EmbeddedReader(path), sample_items=_GATE_SAMPLE_ITEMS)
            if not report.passed:
                raise gate.GateError(report)
        except BaseException:
            # A full disk is not made fuller by what failed on it.
            shutil.rmtree(path, ignore_errors=True)
            raise
        with folder.lock("writer", "另一个进程正在写索引", wait_seconds=60):
            folder.swap(name)
    seconds = time.monotonic() - started
    return RebuildReport(name, written, len(counts), seconds, written / seconds, workers, removed)


def _write(
    database: Database,
    path: Path,
    words: lexicon.Lexicon,
    counts: Sequence[tuple[str, int]],
    workers: int,
    position: int,
    progress: Progress | None,
) -> int:
    """Fill a new index and bring it up to the newest change; return how many guides it was filled with."""
    total = sum(count for _code, count in counts)
    written = 0
    writer = EmbeddedWriter(path)
    try:
        for batch in _analysed(database.url, words, _tasks(counts), workers):
            written += writer.add(batch)
            if progress:
                progress(written, total)
        writer.commit(position)
        catch_up(database, path, writer, position)
    finally:
        writer.close()
    return written


def _tasks(counts: Sequence[tuple[str, int]]) -> list[list[str]]:
    """Item codes in groups of about _GUIDES_PER_TASK guides. An item is never split: its texts are analysed once."""
    groups: list[list[str]] = []
    size = _GUIDES_PER_TASK
    for code, count in counts:
        if size >= _GUIDES_PER_TASK:
            groups.append([])
            size = 0
        groups[-1].append(code)
        size += count
    return groups


def _analysed(url: str, words: lexicon.Lexicon, tasks: list[list[str]], workers: int) -> Iterator[list[IndexDocument]]:
    if workers == 1:
        analyst = Analyst(Database(url), words.words)
        yield from map(analyst.documents_of, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(url, words)) as pool:
        yield from pool.imap_unordered(_work, tasks)


_analyst: Analyst


def _start_worker(url: str, words: lexicon.Lexicon) -> None:
    global _analyst  # noqa: PLW0603 - how a pool's worker keeps what its initializer made
    _analyst = Analyst(Database(url), words.words)


def _work(item_codes: list[str]) -> list[IndexDocument]:
    return _analyst.documents_of(item_codes)


@lru_cache(maxsize=1)
def _kept_analyst(database: Database, words: tuple[str, ...]) -> Analyst:
    """A follower catches up many times with the same words; loading jieba each time would be its main work."""
    return Analyst(database, words)


def catch_up(database: Database, path: Path, writer: EmbeddedWriter, position: int) -> int:
    """Apply what the outbox holds after ``position`` to the index in ``path``; return the new position."""
    words = lexicon.Lexicon.load(path)
    while True:
        with database.reading() as connection:
            entries = outbox.after(connection, position)
            if not entries:
                return position
            analyst = _kept_analyst(database, words.words)
            codes = sorted({entry.item_code for entry in entries})
            for code, made in analyst.documents_by_item(connection, codes):
                writer.replace_item(code, made)
            published = [code for code, _count in lookups.published_items(connection)]
            # The lexicon first: killed before the commit, the same changes are applied again.
            lexicon.build(connection, published).save(path)
        position = entries[-1].id
        writer.commit(position)
