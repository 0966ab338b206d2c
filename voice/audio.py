"""A recording in any form that people send -> 16 kHz mono PCM, or a sentence that says what is wrong with it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import wave
from dataclasses import dataclass
from typing import Final

from voice import decoding
from voice.sound import BYTES_PER_SECOND, RATE

MAX_BYTES: Final = 5_000_000
"""Fifteen seconds of CD quality are 2.6 million."""
MAX_SECONDS: Final = 15.0
_WAIT_SECONDS: Final = 20.0
_KNOWN = "可以发 WAV、MP3、M4A、WebM 或 OGG 格式的录音"


class AudioError(Exception):
    """A recording that can't be used; the message is for whoever sent it."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound ready to be listened to: signed 16-bit mono PCM at 16 kHz. ``was_cut``: there was more of it."""

    pcm: bytes
    was_cut: bool

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / BYTES_PER_SECOND


def decode(data: bytes, *, max_seconds: float = MAX_SECONDS) -> Audio:
    """The first ``max_seconds`` of a recording. Raises AudioError."""
    if not data:
        raise AudioError("audio_empty", "录音是空的，没有内容。请重新录一次。")
    if len(data) > MAX_BYTES:
        raise AudioError(
            "audio_too_large",
            f"录音太大（{len(data) / 1e6:.1f} MB），最多 {MAX_BYTES // 1_000_000} MB。请只说要办的事，15 秒以内。",
        )
    pcm = _plain(data)
    if pcm is None:
        # A little more than is kept, to know whether there is more.
        pcm = _in_child(data, max_seconds + 0.1)
    most = int(max_seconds * RATE) * 2
    return Audio(pcm[:most], was_cut=len(pcm) > most)


def _plain(data: bytes) -> bytes | None:
    """The samples of a WAV file that needs no decoding; None for everything else."""
    if data[:4] != b"RIFF":
        return None
    try:
        with wave.open(io.BytesIO(data)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
                return None
            pcm = file.readframes(file.getnframes())
    except (wave.Error, EOFError):
        return None
    return pcm[: len(pcm) - len(pcm) % 2] or None


def _in_child(data: bytes, seconds: float) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-m", decoding.__name__, str(seconds)],
            input=data,
            capture_output=True,
            timeout=_WAIT_SECONDS,
            check=False,
            # Nothing of our environment is the decoder's business, least of all passwords in it.
            env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired:
        raise _too_hard() from None
    if done.returncode == 0:
        return done.stdout
    if done.returncode == decoding.UNREADABLE:
        raise AudioError("audio_unreadable", f"这不是能听的录音，或者录音坏了。{_KNOWN}，或者直接打字。")
    if done.returncode == decoding.NO_SOUND:
        raise AudioError("no_audio_track", f"这个文件里没有声音。{_KNOWN}，或者直接打字。")
    raise _too_hard()


def _too_hard() -> AudioError:
    return AudioError("audio_too_hard", f"这段录音处理不了。{_KNOWN}，或者直接打字。")
