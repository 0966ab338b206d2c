"""A recording in any form that people send -> 16 kHz mono PCM, or a sentence that says what is wrong with it.

Nothing of it is written to disk or to the log.
"""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from voice import decoding
from voice.sound import BYTES_PER_SECOND, RATE

MAX_BYTES: Final = 5_000_000
"""Fifteen seconds of CD quality are 2.6 million."""
MAX_SECONDS: Final = 15.0
_KNOWN: Final = "可以发 WAV、MP3、M4A、WebM、OGG 或 AMR 格式的录音"
_TO_KNOW_OF_MORE: Final = 0.1
"""Seconds decoded over what is kept, to tell whether there is more."""
_FORMAT_BYTES: Final = 64


class AudioError(Exception):
    """A recording that can't be used; the message is for whoever sent it. ``code`` is audio_too_large, audio_empty,
    audio_unreadable, no_audio_track or audio_too_slow."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """What a recording may take: bytes as sent, seconds that are kept of it, and seconds of waiting for its decoder,
    which alone takes a tenth."""

    bytes: int = MAX_BYTES
    seconds: float = MAX_SECONDS
    wait_seconds: float = 10.0


LIMITS: Final = AudioLimits()


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound ready to be listened to: signed 16-bit little-endian mono PCM at 16 kHz. ``was_cut``: there was more of it.
    ``format`` is what it was sent in, container and codec, such as ``webm/opus``."""

    pcm: bytes
    was_cut: bool
    format: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / BYTES_PER_SECOND


def decode(data: bytes, limits: AudioLimits = LIMITS) -> Audio:
    """The first ``limits.seconds`` of a recording. Raises AudioError."""
    if not data:
        raise _empty()
    if len(data) > limits.bytes:
        raise AudioError(
            "audio_too_large",
            f"录音太大（{len(data) / 1e6:.1f} MB），最多 {limits.bytes / 1e6:g} MB。"
            f"请只说要办的事，{limits.seconds:g} 秒以内。",
        )
    kept = int(limits.seconds * RATE)
    pcm = _plain(data, kept + 1)
    kind = "wav/pcm_s16le"
    if pcm is None:
        kind, pcm = _in_child(data, limits)
    if not pcm:
        raise _empty()
    return Audio(pcm[: kept * 2], was_cut=len(pcm) > kept * 2, format=kind)


def _plain(data: bytes, samples: int) -> bytes | None:
    """The first samples of a WAV file that needs no decoding; None for everything else."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
                return None
            pcm: bytes = file.readframes(samples)
    except (wave.Error, EOFError, RuntimeError):
        # The last is what it says of chunks that end beyond the file.
        return None
    return pcm[: len(pcm) - len(pcm) % 2]


def _in_child(data: bytes, limits: AudioLimits) -> tuple[str, bytes]:
    """Format and samples, from a process of its own."""
    seconds = limits.seconds + _TO_KNOW_OF_MORE
    deadline = time.monotonic() + limits.wait_seconds
    recording = os.memfd_create("recording")
    try:
        with open(recording, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(recording, 0, os.SEEK_SET)
        child = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", decoding.__name__, str(seconds)],
            stdin=recording,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env=_environment(),
        )
    except OSError as error:
        raise _undecoded(str(error)) from error
    finally:
        os.close(recording)
    with child:
        try:
            output = _read(child, int(seconds * BYTES_PER_SECOND) + _FORMAT_BYTES, deadline)
            if output is not None:
                child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            output = None
        finally:
            child.kill()
    return _result(child.returncode, output)


def _environment() -> dict[str, str]:
    """What Python needs to find this program and its libraries. Nothing else of ours is the decoder's business, least
    of all passwords."""
    ours = str(Path(__file__).resolve().parents[1])
    return {"PYTHONPATH": os.pathsep.join([ours, *(path for path in sys.path if path)]), "PYTHONDONTWRITEBYTECODE": "1"}


def _read(child: subprocess.Popen[bytes], most: int, deadline: float) -> bytes | None:
    """What the child writes until it closes its output; None where that is too much or takes too long."""
    assert child.stdout is not None
    output = bytearray()
    waiting = select.poll()
    waiting.register(child.stdout, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0 and waiting.poll(left * 1_000):
        block = os.read(child.stdout.fileno(), 1 << 16)
        if not block:
            return bytes(output)
        output += block
        if len(output) > most:
            break
    return None


def _result(status: int, output: bytes | None) -> tuple[str, bytes]:
    if output is not None:
        if status == 0:
            kind, _, pcm = output.partition(b"\n")
            return kind.decode("ascii", "replace"), pcm
        if status == decoding.UNREADABLE:
            raise AudioError("audio_unreadable", f"这不是能听的录音，或者录音坏了。{_KNOWN}，或者直接打字。")
        if status == decoding.NO_TRACK:
            raise AudioError("no_audio_track", f"这个文件里没有声音。{_KNOWN}，或者直接打字。")
    raise _undecoded(f"exit status {status}" if output is not None else "too long or too much")


def _undecoded(reason: str) -> AudioError:
    """Not the recording's fault, or not alone: the log says what the operator has to know."""
    structlog.get_logger("voice").warning("a recording was not decoded", reason=reason)
    return AudioError("audio_too_slow", f"这段录音处理不了。{_KNOWN}，15 秒以内，或者直接打字。")


def _empty() -> AudioError:
    return AudioError("audio_empty", "录音是空的，没有内容。请重新录一次。")
