"""What kind of sound it is: is somebody speaking, have they stopped, and if nothing was understood, why.

Two plain measures over frames of 20 ms tell speech: it swells and fades, where hum and hiss stay as loud as they are;
and its vowels have a pitch, where doors, keyboards and traffic have none. Whoever speaks in the background counts as
speaking, and so do music and beeps. Whispering has no pitch, and counts as noise.

The limits were set with 93 recordings of ten people. Mixed with white, pink and brown noise, hum, wind, traffic, clicks
and babble 5 dB below the voice, none counts as noise; the noises alone never count as speech, but for babble. The end
of speech is found within half a second in nine of ten where the noise is 20 dB below, and often not at all in babble
10 dB below.
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
_FRAME_SECONDS: Final = _FRAME / RATE
_FULL_SCALE: Final = 32_768.0
_LEAST_DB: Final = -96.0
"""Of 16 bits; digital zero counts as this."""
_LOUD_FRAMES: Final = 10
"""The loudest fifth of a second is how loud it is: as long as the shortest word, and longer than a click."""
_FLOOR_PERCENTILE: Final = 10
"""Even whoever speaks without a pause is silent for a tenth of the time, in closures and breaths."""
_SILENT_DB: Final = -66.0
"""No microphone in a room is so still: it is muted, or it is another one."""
_QUIET_DB: Final = -48.0
"""Speech whose loudest frames stay below this is lost in what microphones themselves hiss."""
_SPEECH_RANGE_DB: Final = 5.0
"""Between its loud and its low frames even speech in a noisy hall varies by more; steady noise varies by 1 to 4."""
_PITCH_LAGS: Final = slice(RATE // 400, RATE // 70)
"""Voices are between 70 and 400 Hz."""
_LOWEST_HZ, _HIGHEST_HZ = 200.0, 4_000.0
"""Below there is more wind, hum and rumble than voice, above more hiss."""
_HARMONIC: Final = 0.55
"""Autocorrelation at the pitch: in vowels 0.6 to 1, in noise of any colour below 0.55 but for a frame in a hundred."""
_LEAST_VOICED: Final = 4
"""Frames: half of the shortest vowel. The recordings have at least 0.1 s even at 5 dB above white noise."""
_OVER_FLOOR: Final = 0.35
"""Whoever speaks is louder than this share of the way from the floor to their loudest."""
_CLIPPED_AT: Final = 32_700
_CLIPPED_SHARE: Final = 0.005
"""From here on words suffer; single clipped samples do no harm."""
_METER_DB: Final = (-60.0, -12.0)
"""What the level ring shows as empty and as full."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A whole stretch of sound. ``level_db`` is that of its loud frames, ``noise_floor_db`` that of its low ones, both
    in dB below full scale; ``clipped_share`` is how much of it was as loud as can be. ``condition`` says what to tell a
    person who was not understood; what is quiet may still hold speech, as ``has_speech`` says."""

    seconds: float
    level_db: float
    noise_floor_db: float
    clipped_share: float
    has_speech: bool

    @property
    def condition(self) -> Condition:
        """What kind of sound it is."""
        if self.level_db < _SILENT_DB:
            return "silence"
        if self.level_db < _QUIET_DB:
            return "quiet"
        return "speech" if self.has_speech else "noise"

    @property
    def clipped(self) -> bool:
        """Whether it was so loud that the microphone cut it."""
        return self.clipped_share >= _CLIPPED_SHARE


class SoundMeter:
    """Measures a stream of PCM block by block; blocks may have any length, odd numbers of bytes too."""

    def __init__(self) -> None:
        self._rest = b""
        self._before = np.zeros((1, _FRAME))
        self._levels: list[float] = []
        self._is_voiced: list[bool] = []
        self._clipped = 0

    def accept(self, pcm: bytes) -> float:
        """Take a block; its level for a meter, from 0 to 1."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % (2 * _FRAME)
        self._rest = pcm[whole:]
        if not whole:
            return _meter(self._levels[-1] if self._levels else _LEAST_DB)
        samples = np.frombuffer(pcm[:whole], dtype="<i2")
        self._clipped += int(np.count_nonzero((samples >= _CLIPPED_AT) | (samples <= -_CLIPPED_AT)))
        frames = (samples / _FULL_SCALE).reshape(-1, _FRAME)
        levels = _levels_of(frames)
        # A pitch of 70 Hz shows in two frames, and not in one.
        following = np.concatenate((self._before, frames))
        self._before = frames[-1:]
        self._levels.extend(levels.tolist())
        self._is_voiced.extend((_harmonicity(np.hstack((following[:-1], following[1:]))) > _HARMONIC).tolist())
        return _meter(float(levels.max()))

    @property
    def seconds(self) -> float:
        """How long the stream is so far."""
        return len(self._levels) * _FRAME_SECONDS

    @property
    def speech_seconds(self) -> float:
        """How long somebody spoke, pauses not counted."""
        return self._spoken().size * _FRAME_SECONDS

    @property
    def trailing_silence_seconds(self) -> float:
        """How long nobody has spoken; all of it where nobody has spoken yet."""
        spoken = self._spoken()
        last = int(spoken[-1]) + 1 if spoken.size else 0
        return (len(self._levels) - last) * _FRAME_SECONDS

    def sound(self) -> Sound:
        """The verdict on the whole."""
        level, floor = self._level_and_floor()
        samples = len(self._levels) * _FRAME
        return Sound(
            seconds=self.seconds,
            level_db=level,
            noise_floor_db=floor,
            clipped_share=self._clipped / samples if samples else 0.0,
            has_speech=self._spoken().size > 0,
        )

    def _level_and_floor(self) -> tuple[float, float]:
        if not self._levels:
            return _LEAST_DB, _LEAST_DB
        loud = sorted(self._levels)[-_LOUD_FRAMES:][0]
        return loud, float(np.percentile(self._levels, _FLOOR_PERCENTILE))

    def _spoken(self) -> NDArray[np.intp]:
        """Numbers of the frames in which somebody speaks."""
        level, floor = self._level_and_floor()
        # Browsers that suppress noise send zeros between words; from there even breath would count as loud.
        floor = max(floor, _SILENT_DB)
        is_loud = np.asarray(self._levels) > floor + _OVER_FLOOR * (level - floor)
        voiced = np.count_nonzero(is_loud & np.asarray(self._is_voiced, dtype=bool))
        if level < _SILENT_DB or level - floor < _SPEECH_RANGE_DB or voiced < _LEAST_VOICED:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(is_loud)


def _levels_of(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """dB below full scale of each frame, without its constant part."""
    power = np.maximum(np.var(frames, axis=1), 10 ** (_LEAST_DB / 10))
    return np.asarray(10 * np.log10(power), dtype=np.float64)


_WINDOW: Final = np.hanning(2 * _FRAME)
_POINTS: Final = 2_048
"""Of a spectrum: more than twice the window, so that the autocorrelation does not run around."""
_FREQUENCIES: Final = np.fft.rfftfreq(_POINTS, 1 / RATE)
_IS_VOICE = (_FREQUENCIES >= _LOWEST_HZ) & (_FREQUENCIES <= _HIGHEST_HZ)
_WEIGHTS: Final = np.where(_IS_VOICE, _FREQUENCIES, 0.0)
"""Growing with the frequency: else noise that is mostly low would look like a pitch."""


def _autocorrelation(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """At the lags of a pitch, relative to that at none."""
    correlation = np.fft.irfft(power)
    return np.asarray(correlation[..., _PITCH_LAGS] / np.maximum(correlation[..., :1], 1e-12), dtype=np.float64)


def _power(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.abs(np.fft.rfft(windows * _WINDOW, _POINTS)) ** 2, dtype=np.float64)


_OF_WINDOW: Final = _autocorrelation(_power(np.ones(2 * _FRAME)))


def _harmonicity(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each window repeats itself at the pitch of a voice, about 0 to 1: the highest autocorrelation, divided
    by that of the window (P. Boersma 1993, Accurate short-term analysis of the fundamental frequency)."""
    correlation = _autocorrelation(_power(windows) * _WEIGHTS)
    return np.asarray((correlation / _OF_WINDOW).max(axis=1), dtype=np.float64)


def _meter(level: float) -> float:
    empty, full = _METER_DB
    return min(1.0, max(0.0, (level - empty) / (full - empty)))
