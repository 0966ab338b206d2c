"""Follows the outbox: what a clerk publishes is findable within two seconds.

At least once and idempotently: the position is committed with the documents, so a follower that is killed anywhere
begins again where its last commit ended.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from guides import outbox
from guides.database import Database
from indexer.life import Indexes, IndexMissingError
from indexer.rebuild import catch_up

POLL_SECONDS = 0.5
_WAIT_FOR_WRITER_SECONDS = 30
_PRUNE_EVERY_SECONDS = 3600


class TooFarBehindError(Exception):
    """The index cannot be brought up to date from where it is. The message says to rebuild."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """One pass: from which position to which, and how long it took."""

    engine: str
    index: str
    before: int
    after: int
    seconds: float


def sync(database: Database, indexes: Indexes) -> SyncReport:
    """Apply everything the outbox holds to the index that serves, once."""
    started = time.monotonic()
    name = indexes.current()
    before = indexes.reader(name).state().position
    if before == _newest(database, before):
        return SyncReport(indexes.engine, name, before, before, time.monotonic() - started)
    with indexes.lock("writer", "另一个进程正在写索引，请稍后再试", wait_seconds=_WAIT_FOR_WRITER_SECONDS):
        name = indexes.current()
        reader = indexes.reader(name)
        before = reader.state().position
        _newest(database, before)
        writer = indexes.writer(name)
        try:
            after = catch_up(database, reader.lexicon().words, writer, before)
        finally:
            writer.close()
    return SyncReport(indexes.engine, name, before, after, time.monotonic() - started)


def _newest(database: Database, position: int) -> int:
    """The number of the newest change; TooFarBehindError where there is no way from ``position`` to it."""
    with database.reading() as connection:
        newest = outbox.last_id(connection)
        oldest = outbox.oldest_kept_id(connection)
    if position > newest:
        raise TooFarBehindError(
            f"索引到了第 {position} 条变更，数据库只有 {newest} 条：索引不是这个数据库的，或者数据库恢复过备份。"
            "请运行：banshi index rebuild"
        )
    if position < newest and (oldest is None or oldest > position + 1):
        raise TooFarBehindError("索引落后太多，待同步的变更已被清理。请运行：banshi index rebuild")
    return newest


def follow(
    database: Database,
    indexes: Indexes,
    stop: threading.Event,
    *,
    on_sync: Callable[[SyncReport], None],
    on_error: Callable[[Exception], None],
) -> None:
    """Keep the index that serves up to date until ``stop`` is set. Errors are reported and tried again, never fatal."""
    seen = -1
    index_name = ""
    pruned_at = 0.0
    failed = False
    while not stop.is_set():
        try:
            with database.reading() as connection:
                newest = outbox.last_id(connection)
            name = _current(indexes)
            if name and (newest != seen or name != index_name or failed):
                report = sync(database, indexes)
                if report.after != report.before:
                    on_sync(report)
                seen, index_name = report.after, report.index
            if time.monotonic() - pruned_at > _PRUNE_EVERY_SECONDS:
                with database.writing() as connection:
                    outbox.prune(connection, datetime.datetime.now(datetime.UTC))
                pruned_at = time.monotonic()
            failed = False
        except Exception as error:  # whatever it is, the next pass may succeed; the caller logs it
            failed = True
            on_error(error)
            stop.wait(POLL_SECONDS * 4)
        stop.wait(POLL_SECONDS)


def _current(indexes: Indexes) -> str:
    """Name of the index that serves, empty before the first rebuild."""
    try:
        return indexes.current()
    except IndexMissingError:
        return ""
