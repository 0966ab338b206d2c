"""A whole new index beside the living one: read, analyse in several processes, write, check, swap.

Killed at any point, the old index serves on, and the next rebuild clears away what was left half done. Changes that
commit while it runs are applied before the swap, so the new index is never older than the start of its last look.
"""

from __future__ import annotations

import datetime
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from guides import lookups, outbox
from guides.database import Database
from indexer import gate, lexicon
from indexer.analyst import Analyst
from indexer.document import IndexDocument
from indexer.life import Indexes, IndexMissingError, IndexReader, IndexWriter, Rejected

Progress = Callable[[int, int], None]
"""Called with (guides written, guides in all)."""

_GUIDES_PER_TASK = 400
_GATE_SAMPLE_ITEMS = 40
"""Before the swap every guide is looked for, but only so many items are analysed a second time."""


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild made, and how long its parts took. ``rejected`` are guides that the engine refused, with why."""

    engine: str
    name: str
    guides: int
    items: int
    seconds: float
    guides_per_second: float
    processes: int
    removed: list[str]
    rejected: list[Rejected]


def rebuild(
    database: Database, indexes: Indexes, *, processes: int | None = None, progress: Progress | None = None
) -> RebuildReport:
    """Build, check and swap in a new index; raise GateError and keep the old one when the check finds a difference."""
    started = time.monotonic()
    with indexes.lock("rebuild", "另一个重建正在进行，请等它完成"):
        removed = indexes.remove_leftovers()
        with database.reading() as connection:
            position = outbox.last_id(connection)
            counts = lookups.published_items(connection)
            words = lexicon.build(connection, [code for code, _count in counts])
        words = words.counted(_kept_analyst(database, words.words).analyzer)
        name = indexes.new_name(datetime.datetime.now(datetime.UTC))
        workers = processes or os.cpu_count() or 1
        try:
            indexes.create(name, words)
            written = _write(database, indexes, name, words, counts, workers, position, progress)
            reader = indexes.reader(name)
            report = gate.check(database, reader, sample_items=_GATE_SAMPLE_ITEMS, before=_serving(indexes))
            if not report.may_serve:
                raise gate.GateError(report)
            _swap(database, indexes, name, words)
        except BaseException:
            indexes.discard(name)
            raise
    seconds = time.monotonic() - started
    return RebuildReport(
        indexes.engine, name, written, len(counts), seconds, written / seconds, workers, removed, report.rejected
    )


def _serving(indexes: Indexes) -> IndexReader | None:
    """The index that serves while the new one is made, if there is one that this version can read."""
    try:
        return indexes.reader(indexes.current())
    except IndexMissingError:
        return None


def _swap(database: Database, indexes: Indexes, name: str, words: lexicon.Lexicon) -> None:
    """Let the new index serve, up to date: while the gate looked, the old one was followed and the new one was not."""
    with indexes.lock("writer", "另一个进程正在写索引", wait_seconds=60):
        writer = indexes.writer(name)
        try:
            catch_up(database, words.words, writer, indexes.reader(name).state().position)
        finally:
            writer.close()
        indexes.swap(name)


def _write(
    database: Database,
    indexes: Indexes,
    name: str,
    words: lexicon.Lexicon,
    counts: Sequence[tuple[str, int]],
    workers: int,
    position: int,
    progress: Progress | None,
) -> int:
    """Fill a new index and bring it up to the newest change; return how many guides it was filled with."""
    total = sum(count for _code, count in counts)
    written = 0
    writer = indexes.writer(name)
    try:
        for batch in _analysed(database, words, _tasks(counts), workers):
            written += writer.add(batch, position)
            if progress:
                progress(written, total)
        writer.commit(position, words)
        catch_up(database, words.words, writer, position)
        writer.finish()
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


def _analysed(
    database: Database, words: lexicon.Lexicon, tasks: list[list[str]], workers: int
) -> Iterator[list[IndexDocument]]:
    if workers == 1:
        analyst = _kept_analyst(database, words.words)
        yield from map(analyst.documents_of, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(database.url, words)) as pool:
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


def catch_up(database: Database, words: tuple[str, ...], writer: IndexWriter, position: int) -> int:
    """Apply what the outbox holds after ``position`` to an index that was built with ``words``; return the new
    position.

    Up to the newest change at the time of the call: while changes keep arriving there is no end to wait for.
    """
    with database.reading() as connection:
        newest = outbox.last_id(connection)
    while position < newest:
        with database.reading() as connection:
            entries = outbox.after(connection, position)
            position = entries[-1].id
            analyst = _kept_analyst(database, words)
            codes = sorted({entry.item_code for entry in entries})
            writer.replace_items(analyst.documents_by_item(connection, codes), position)
            published = [code for code, _count in lookups.published_items(connection)]
            catalogue = lexicon.build(connection, published, words)
        writer.commit(position, catalogue.counted(analyst.analyzer))
    return position
