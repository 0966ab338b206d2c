"""``python -m voice.decoding SECONDS``: a recording on standard input, 16 kHz mono PCM on standard output.

Decoders are large and take what strangers send, so they run in a process that has little to lose: no file may be
written, memory, time and open files are limited, it can gain no rights, and it dies with its parent. Only containers
and codecs that browsers and phones record are opened; playlists, which name other files and addresses, are not. What it
does not have is a filter of system calls: it could still read what its user can read, had a decoder been taken over.

Exit status: 0 done; 3 no audio in a known format; 4 a known format without sound in it; anything else is a crash.
"""

from __future__ import annotations

import ctypes
import io
import os
import resource
import signal
import sys

UNREADABLE, NO_SOUND = 3, 4
_CONTAINERS = frozenset({"wav", "matroska,webm", "ogg", "mov,mp4,m4a,3gp,3g2,mj2", "mp3", "flac", "aac", "amr"})
_CODECS = frozenset(
    {"opus", "vorbis", "aac", "mp3", "mp3float", "flac", "amrnb", "amrwb", "alac"}
    | {"pcm_s16le", "pcm_s16be", "pcm_u8", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_alaw", "pcm_mulaw"}
)
_OPTIONS = {"protocol_whitelist": "", "format_whitelist": ",".join(sorted(_CONTAINERS)), "enable_drefs": "0"}
_CPU_SECONDS = 10
_MEMORY_BYTES = 1 << 30
_OPEN_FILES = 32
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_RATE = 16_000
_MAX_CHANNELS = 8
_RATES = range(4_000, 192_001)


def main() -> int:
    """Decode; the exit status says how it went."""
    seconds = float(sys.argv[1])
    _confine()
    import av

    # Loading the libraries needed files of its own; from here on there is nothing to open but the bytes at hand.
    av.logging.set_level(av.logging.PANIC)
    data = io.BytesIO(sys.stdin.buffer.read())
    try:
        with av.open(data, mode="r", options=_OPTIONS) as container:
            if container.format.name not in _CONTAINERS:
                return UNREADABLE
            if not container.streams.audio:
                return NO_SOUND
            stream = container.streams.audio[0]
            codec = stream.codec_context
            if codec.name not in _CODECS or codec.channels > _MAX_CHANNELS or codec.sample_rate not in _RATES:
                return UNREADABLE
            return _decode(av, container, stream, int(seconds * _RATE) * 2)
    except (av.FFmpegError, ValueError):
        return UNREADABLE


def _decode(av, container, stream, limit: int) -> int:  # type: ignore[no-untyped-def]
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
    written = 0
    try:
        for frame in container.decode(stream):
            for block in resampler.resample(frame):
                written += _write(block, limit - written)
            if written >= limit:
                return 0
        for block in resampler.resample(None):
            written += _write(block, limit - written)
    except av.FFmpegError:
        # A recording that was cut off: what came before is whole.
        if not written:
            return UNREADABLE
    return 0 if written else NO_SOUND


def _write(block, room: int) -> int:  # type: ignore[no-untyped-def]
    pcm = bytes(block.planes[0])[: min(block.samples * 2, room)]
    sys.stdout.buffer.write(pcm)
    return len(pcm)


def _confine() -> None:
    for what, most in (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.setsid()
    os.umask(0o077)


if __name__ == "__main__":
    sys.exit(main())
