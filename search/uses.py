"""How often the guides of each item were opened, as somebody else counts it; asked for now and then, not waited for.

Whoever types waits for a suggestion, and must not wait for a database: the counts that are known serve while newer
ones are fetched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

EVERY_SECONDS: Final = 300.0
_FIRST_SECONDS: Final = 1.0
"""So long the first who asks waits, so that a process that lives for one question knows something."""


class Uses:
    """What ``count`` says (item code -> openings), at most some minutes old. Safe to share between threads.

    ``count`` is called in a thread of its own; should it raise, what was known before remains.
    """

    def __init__(self, count: Callable[[], Mapping[str, int]], every_seconds: float = EVERY_SECONDS) -> None:
        self._count = count
        self._every_seconds = every_seconds
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self.known: Mapping[str, int] = {}
        """The counts at hand: the same object as long as nothing changed."""

    def current(self) -> Mapping[str, int]:
        """The counts at hand; newer ones are asked for when it is time."""
        if time.monotonic() - self._asked_at >= self._every_seconds and self._lock.acquire(blocking=False):
            is_first = self._asked_at == float("-inf")
            self._asked_at = time.monotonic()
            asking = threading.Thread(target=self._ask, name="uses", daemon=True)
            asking.start()
            if is_first:
                asking.join(_FIRST_SECONDS)
        return self.known

    def _ask(self) -> None:
        try:
            counted = self._count()
            if counted != self.known:
                self.known = counted
        finally:
            self._lock.release()
