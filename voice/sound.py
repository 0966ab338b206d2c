"""What kind of sound it is: is somebody speaking, have they stopped, and if nothing was understood, why.

Plain measures of loudness over frames of 20 ms. They do not tell speech from music; they tell a muted microphone from a
quiet voice, and a humming hall from somebody who speaks in it. docs/voice.md has what they were tried on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
"""Samples a second of all audio inside the program: signed 16-bit, one channel, little-endian."""
BYTES_PER_SECOND: Final = RATE * 2
Condition = Literal["speech", "silence", "quiet", "noise"]

_FRAME: Final = 320
_FULL_SCALE: Final = 32_768.0
_LEAST_DB: Final = -96.0
"""Of 16 bits; digital zero counts as this."""
_SILENT_DB: Final = -66.0
"""No microphone in a room is so still: it is muted, or it is another one."""
_QUIET_DB: Final = -48.0
"""Speech whose loudest frames stay below this is lost in what microphones themselves hiss."""
_SPEECH_RANGE_DB: Final = 5.0
"""Between its loud and its low frames even speech in a noisy hall varies by more; steady noise varies by 1 to 3."""
_CLIPPED_AT: Final = 32_700
_CLIPPED_SHARE: Final = 0.005
"""From here on words suffer; single clipped samples do no harm."""
_METER_DB: Final = (-60.0, -12.0)
"""What the level ring shows as empty and as full."""
_OVER_FLOOR: Final = 0.35
"""Whoever speaks is louder than this share of the way from the floor to their loudest."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A whole stretch of sound. ``level_db`` is that of its loud frames, ``floor_db`` that of its low ones, both in dB
    below full scale; ``clipped``: so loud that the microphone cut it."""

    seconds: float
    level_db: float
    floor_db: float
    condition: Condition
    clipped: bool


class SoundMeter:
    """Measures a stream of PCM block by block; blocks may have any length, odd numbers of bytes too."""

    def __init__(self) -> None:
        self._rest = b""
        self._levels: list[float] = []
        self._samples = 0
        self._clipped = 0

    def accept(self, pcm: bytes) -> float:
        """Take a block; its level for a meter, from 0 to 1."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % (2 * _FRAME)
        self._rest = pcm[whole:]
        if not whole:
            return _meter(self._levels[-1] if self._levels else _LEAST_DB)
        frames = np.frombuffer(pcm[:whole], dtype="<i2").reshape(-1, _FRAME)
        self._samples += frames.size
        self._clipped += int(np.count_nonzero(np.abs(frames.astype(np.int32)) >= _CLIPPED_AT))
        levels = _levels_of(frames)
        self._levels.extend(levels.tolist())
        return _meter(float(levels.max()))

    @property
    def seconds(self) -> float:
        """How long the stream is so far."""
        return len(self._levels) * _FRAME / RATE

    @property
    def speech_seconds(self) -> float:
        """How long somebody spoke, pauses not counted."""
        return self._loud().size * _FRAME / RATE

    @property
    def trailing_silence_seconds(self) -> float:
        """How long nobody has spoken; all of it where nobody has spoken yet."""
        loud = self._loud()
        last = int(loud[-1]) + 1 if loud.size else 0
        return (len(self._levels) - last) * _FRAME / RATE

    def sound(self) -> Sound:
        """The verdict on the whole."""
        level, floor = self._level_and_floor()
        return Sound(
            seconds=self.seconds,
            level_db=level,
            floor_db=floor,
            condition=_condition(level, floor),
            clipped=self._samples > 0 and self._clipped / self._samples >= _CLIPPED_SHARE,
        )

    def _level_and_floor(self) -> tuple[float, float]:
        if not self._levels:
            return _LEAST_DB, _LEAST_DB
        low, high = np.percentile(self._levels, (10, 95))
        return float(high), float(low)

    def _loud(self) -> NDArray[np.intp]:
        """Numbers of the frames in which somebody speaks."""
        level, floor = self._level_and_floor()
        if _condition(level, floor) in ("silence", "noise"):
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(np.asarray(self._levels) > floor + _OVER_FLOOR * (level - floor))


def _levels_of(frames: NDArray[np.int16]) -> NDArray[np.float64]:
    """dB below full scale of each frame, without its constant part."""
    samples = frames / _FULL_SCALE
    power = np.maximum(np.var(samples, axis=1), 10 ** (_LEAST_DB / 10))
    return np.asarray(10 * np.log10(power), dtype=np.float64)


def _condition(level: float, floor: float) -> Condition:
    if level < _SILENT_DB:
        return "silence"
    if level - floor < _SPEECH_RANGE_DB:
        return "noise"
    return "quiet" if level < _QUIET_DB else "speech"


def _meter(level: float) -> float:
    empty, full = _METER_DB
    return min(1.0, max(0.0, (level - empty) / (full - empty)))
