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
from indexer.embedded import EmbeddedReader, EmbeddedWriter, IndexFolder
from indexer.rebuild import catch_up

POLL_SECONDS = 0.5
_WAIT_FOR_WRITER_SECONDS = 30
_PRUNE_EVERY_SECONDS = 3600


class TooFarBehindError(Exception):
    """Changes that the index has not seen are no longer in the outbox. The message says to rebuild."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """One pass: from which position to which, and how long it took."""

    index: str
    before: int
    after: int
    seconds: float


def sync(database: Database, folder: IndexFolder) -> SyncReport:
    """Apply everything the outbox holds to the current index, once."""
    started = time.monotonic()
    with folder.lock("writer", "另一个进程正在写索引，请稍后再试", wait_seconds=_WAIT_FOR_WRITER_SECONDS):
        path = folder.current()
        before = EmbeddedReader(path).position()
        with database.reading() as connection:
            newest = outbox.last_id(connection)
            oldest = outbox.oldest_kept_id(connection)
        if newest == before:
            return SyncReport(path.name, before, before, time.monotonic() - started)
        if oldest is None or oldest > before + 1:
            raise TooFarBehindError("索引落后太多，待同步的变更已被清理。请运行：banshi index rebuild")
        writer = EmbeddedWriter(path)
        try:
            after = catch_up(database, path, writer, before)
        finally:
            writer.close()
    return SyncReport(path.name, before, after, time.monotonic() - started)


def follow(
    database: Database,
    folder: IndexFolder,
    stop: threading.Event,
    *,
    on_sync: Callable[[SyncReport], None],
    on_error: Callable[[Exception], None],
) -> None:
    """Keep the current index up to date until ``stop`` is set. Errors are reported and tried again, never fatal."""
    seen = -1
    index_name = ""
    pruned_at = 0.0
    while not stop.is_set():
        try:
            with database.reading() as connection:
                newest = outbox.last_id(connection)
            pointer = folder.pointer()
            name = pointer.name if pointer else ""
            if name and (newest != seen or name != index_name):
                report = sync(database, folder)
                if report.after != report.before:
                    on_sync(report)
                seen, index_name = report.after, report.index
            if time.monotonic() - pruned_at > _PRUNE_EVERY_SECONDS:
                with database.writing() as connection:
                    outbox.prune(connection, datetime.datetime.now(datetime.UTC))
                pruned_at = time.monotonic()
        except Exception as error:  # whatever it is, the next pass may succeed; the caller logs it
            on_error(error)
            stop.wait(POLL_SECONDS * 4)
        stop.wait(POLL_SECONDS)
