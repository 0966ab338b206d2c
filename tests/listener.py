"""Someone who listens without ears, for tests of the pages: what they hear and how they fail is told beforehand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from search.request import Hypothesis
from voice.audio import AudioError
from voice.listening import Heard, Progress, VoiceBusyError
from voice.model_store import ModelError
from voice.sound import Condition

LOST_CARD = (Hypothesis("身份证丢了", 1.0), Hypothesis("身份证掉了", 0.3), Hypothesis("身份证丢啦", 0.1))
BUSY = VoiceBusyError()
UNREADABLE = AudioError("audio_unreadable", "这个文件不是录音，或者已经损坏。请重新录一次。")


def heard(*readings: Hypothesis, condition: Condition = "speech", clipped: bool = False) -> Heard:
    """What was heard in a second and a half."""
    return Heard(readings, condition, clipped, 1.5)


class Stream:
    """Hears the text of the answer bit by bit, and is over when ``over_after`` bytes have come."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._bytes = 0

    def accept(self, pcm: bytes) -> Progress:
        if self._listener.error_while_listening:
            raise self._listener.error_while_listening
        self._bytes += len(pcm)
        self._listener.received += pcm
        readings = self._listener.heard.hypotheses
        characters = self._bytes // 6400
        partial = readings[0].text[:characters] if readings else ""
        return Progress(partial, 0.5, self._bytes >= self._listener.over_after)

    def finish(self) -> Heard:
        self._listener.finished += 1
        return self._listener.heard


@dataclass
class Listener:
    """A VoiceService. ``open_streams`` tells whether all that was begun has ended."""

    heard: Heard = field(default_factory=lambda: heard(*LOST_CARD))
    error: AudioError | VoiceBusyError | ModelError | None = None
    error_while_listening: Exception | None = None
    over_after: int = 1_000_000_000
    is_loaded: bool = True
    seconds: float = 15
    rate: int = 16000
    streams: int = 2
    open_streams: int = 0
    finished: int = 0
    received: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def open(self) -> Iterator[Stream]:
        with self._lock:
            if self.error is not None:
                raise self.error
            if self.open_streams >= self.streams:
                raise BUSY
            self.open_streams += 1
        try:
            yield Stream(self)
        finally:
            with self._lock:
                self.open_streams -= 1

    def hear(self, data: bytes) -> Heard:
        with self.open():
            self.received = data
            return self.heard
