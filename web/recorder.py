"""Notes of use on their way to the database. Whoever searches never waits for them, and never fails by them.

Notes wait in a queue with a limit and are written together by one thread, every second or hundred notes. While the
database is away they wait; what finds no room is dropped and counted. The rest is written when the process ends.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy.exc
import structlog

from guides import use
from guides.database import Database

Note = use.Search | use.Opening

_LIMIT: Final = 2000
_TOGETHER: Final = 100
_EVERY_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_LOOKS: Final = 5
"""How often a search is looked for that was opened: another worker may have yet to write it."""
_CLOSE_SECONDS: Final = 5.0


class Recorder:
    """Writes notes of use, in the process that puts them. ``on_dropped`` is told how many were lost, and
    why: ``no_room`` or ``not_written``."""

    def __init__(
        self,
        database: Database,
        *,
        limit: int = _LIMIT,
        on_dropped: Callable[[int, str], None] = lambda _count, _reason: None,
    ) -> None:
        self._database = database
        self._on_dropped = on_dropped
        self._queue: queue.Queue[Note | threading.Event] = queue.Queue(limit)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._unmatched: list[tuple[use.Opening, int]] = []

    def put(self, note: Note) -> bool:
        """Take a note; False where it was dropped. Never waits."""
        if not self._closing.is_set():
            try:
                self._queue.put_nowait(note)
                self._start()
            except (queue.Full, RuntimeError):  # the latter where the system has no more threads
                pass
            else:
                return True
        self._on_dropped(1, "no_room")
        return False

    def flush(self, seconds: float = _CLOSE_SECONDS) -> bool:
        """Wait until what was put so far is written or dropped; False where that takes longer."""
        if self._thread is None:
            return True
        done = threading.Event()
        deadline = time.monotonic() + seconds
        try:
            self._queue.put(done, timeout=seconds)
        except queue.Full:
            return False
        return done.wait(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Write what waits, and take no more. Does not wait for a database that is away."""
        self._closing.set()
        self.flush()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
            atexit.unregister(self.close)

    def _start(self) -> None:
        """With the first note, not before: a thread does not live on in the workers that a server forks."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="use", daemon=True)
                    thread.start()
                    atexit.register(self.close)
                    self._thread = thread

    def _run(self) -> None:
        while not (self._closing.is_set() and self._queue.empty()):
            notes, done = self._gather()
            self._write(notes)
            if done is not None:
                done.set()

    def _gather(self) -> tuple[list[Note], threading.Event | None]:
        """What is to be written together, and who waits for it."""
        notes: list[Note] = []
        deadline = time.monotonic() + _EVERY_SECONDS if self._unmatched else None
        while len(notes) < _TOGETHER:
            try:
                got = self._queue.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if isinstance(got, threading.Event):
                return notes, got
            notes.append(got)
            deadline = deadline or time.monotonic() + _EVERY_SECONDS
        return notes, None

    def _write(self, notes: Sequence[Note]) -> None:
        searches = [note for note in notes if isinstance(note, use.Search)]
        openings = [*self._unmatched, *((note, 1) for note in notes if isinstance(note, use.Opening))]
        if not searches and not openings:
            return
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                with self._database.writing() as connection:
                    use.record(connection, searches)
                    missed = [(each, looks) for each, looks in openings if not use.mark_opened(connection, each)]
            except Exception as error:  # whatever it is, whoever searches must not feel it
                away = isinstance(error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError)
                # The message of the error is left out: it may hold what people look for.
                structlog.get_logger("use").warning("not recorded", error=type(error).__name__, will_try_again=away)
                if not away or self._closing.wait(pause):
                    self._unmatched = []
                    self._on_dropped(len(searches) + len(openings), "not_written")
                    return
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._unmatched = [(opening, looks + 1) for opening, looks in missed if looks < _LOOKS]
                return
