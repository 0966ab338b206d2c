"""What the web room asks of whoever listens to people: the shape of it, and how it refuses."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol

from search.request import Hypothesis

Condition = Literal["speech", "silence", "quiet", "noise"]


class Heard(Protocol):
    """What was understood, best first (empty where nothing was), and how the sound was."""

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]: ...  # noqa: D102
    @property
    def condition(self) -> Condition: ...  # noqa: D102
    @property
    def clipped(self) -> bool: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102


class Progress(Protocol):
    """What is understood so far, how loud it is (0 to 1), and whether the person has stopped speaking."""

    @property
    def partial(self) -> str: ...  # noqa: D102
    @property
    def level(self) -> float: ...  # noqa: D102
    @property
    def is_over(self) -> bool: ...  # noqa: D102


class Stream(Protocol):
    """One person speaking."""

    def accept(self, pcm: bytes) -> Progress:
        """Take signed 16-bit little-endian mono samples, at the service's rate."""

    def finish(self) -> Heard:
        """What was said."""


class VoiceService(Protocol):
    """Listens to as many people at once as its settings allow."""

    @property
    def seconds(self) -> float:
        """The longest query."""

    @property
    def rate(self) -> int:
        """Samples a second."""

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory; if not, the first to speak waits for it."""

    def open(self) -> AbstractContextManager[Stream]:
        """Begin to listen, or raise VoiceBusyError or ModelError."""

    def hear(self, data: bytes) -> Heard:
        """A whole recording in any format, or AudioError, VoiceBusyError or ModelError."""


class ListeningError(Exception):
    """Nobody listens, and why: a short ``code`` for programs, and a Chinese sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class AudioError(ListeningError):
    """The recording cannot be used."""


class VoiceBusyError(ListeningError):
    """As many people speak already as may at once."""


class ModelError(ListeningError):
    """There is no model, or it cannot be loaded."""
