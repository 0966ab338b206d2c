"""Which engine answers: the first one, or a standby while the first is out of reach.

A circuit breaker that opens at the first failure: the standby is nearly as good, so no citizen should wait for proof
that the engine is really gone. While it is open nobody's search is risked; a thread asks the engine itself, and
closes the circuit when it answers again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from search.engines.base import Engine, EngineRequest, EngineUnavailableError

PROBE_SECONDS = 1.0
_NOTHING = EngineRequest(None, {"serves": ("",)}, limit=1)
"""Asks every shard, and finds nothing."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine to ask, and whether asking it is a degradation."""

    engine: Engine
    degraded: bool


class Engines:
    """A first engine with an optional standby. Safe to share between threads; make it after forking.

    ``on_change`` is told each time the circuit opens or closes: (degraded, reason).
    """

    def __init__(
        self,
        first: Engine,
        standby: Engine | None = None,
        *,
        on_change: Callable[[bool, str], None] = lambda _degraded, _reason: None,
        probe_seconds: float = PROBE_SECONDS,
    ) -> None:
        self.first = first
        self.standby = standby
        self._on_change = on_change
        self._probe_seconds = probe_seconds
        self._lock = threading.Lock()
        self._opened_at: float | None = None
        self._reason = ""

    @property
    def all(self) -> list[Engine]:
        """Every engine, the first one first."""
        return [self.first] if self.standby is None else [self.first, self.standby]

    @property
    def degraded_reason(self) -> str | None:
        """Why the standby answers; None while the first engine does."""
        return self._reason if self._opened_at is not None else None

    def choices(self) -> list[Choice]:
        """The engines to try for one search, in order."""
        if self.standby is None:
            return [Choice(self.first, degraded=False)]
        standby = Choice(self.standby, degraded=True)
        if self._opened_at is not None:
            # Better than nothing at all, should the standby fail as well.
            return [standby, Choice(self.first, degraded=False)]
        return [Choice(self.first, degraded=False), standby]

    def failed(self, engine: Engine, error: EngineUnavailableError) -> None:
        """``engine`` could not answer a search."""
        if engine is not self.first or self.standby is None:
            return
        with self._lock:
            if self._opened_at is not None:
                return
            self._opened_at, self._reason = time.monotonic(), str(error)
        self._on_change(True, str(error))
        threading.Thread(target=self._probe_until_it_answers, name="engine-probe", daemon=True).start()

    def _probe_until_it_answers(self) -> None:
        while True:
            time.sleep(self._probe_seconds)
            try:
                self.first.lexicon_stamp()
                self.first.search(_NOTHING)
                break
            except EngineUnavailableError as error:
                self._reason = str(error)
        with self._lock:
            self._opened_at = None
        self._on_change(False, "")
