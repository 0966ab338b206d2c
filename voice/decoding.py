"""``python -m voice.decoding SECONDS``: a recording on standard input, 16 kHz mono PCM on standard output.

Decoders are large and take what strangers send, so they run in a process that has shut itself in (confinement.py). Only
containers and codecs that browsers and phones record are opened. Playlists, which name other files and addresses, are
refused by their names before anything in them is looked at, and no protocol is allowed that could follow them.

Before the samples stands one line with the format, such as ``webm/opus``. Nothing is written after SECONDS of sound, so
hours of it cost no more, and nothing at all where there are no samples. Exit status: 0 done; 3 no audio in a known
format; 4 a known format without an audio track; anything else is a crash, or the end of what is allowed.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from voice import confinement

if TYPE_CHECKING:
    import av

UNREADABLE, NO_TRACK = 3, 4
_CONTAINERS: Final = {
    "wav": "wav",
    "matroska,webm": "webm",
    "ogg": "ogg",
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4",
    "mp3": "mp3",
    "flac": "flac",
    "aac": "aac",
    "amr": "amr",
}
"""Demuxers of ffmpeg, and what people call their files."""
_CODECS: Final = frozenset(
    {"opus", "vorbis", "aac", "mp3", "mp3float", "flac", "alac", "amrnb", "amrwb", "pcm_alaw", "pcm_mulaw"}
    | {"pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le", "adpcm_ms", "adpcm_ima_wav"}
)
_OPTIONS: Final = {
    "format_whitelist": ",".join(_CONTAINERS),
    "codec_whitelist": ",".join(sorted(_CODECS)),
    "protocol_whitelist": "",
}
_RATE: Final = 16_000
"""As in sound.py, which would bring numpy with it."""
_RATES: Final = range(4_000, 192_001)
_MAX_CHANNELS: Final = 8


def main() -> int:
    """Decode; the exit status says how it went."""
    seconds = float(sys.argv[1])
    confinement.limit()
    import av

    # PyAV would load these late, when nothing can be loaded any more.
    import av.subtitles.codeccontext
    import av.subtitles.stream

    av.logging.set_level(av.logging.PANIC)
    data = io.BytesIO(sys.stdin.buffer.read())
    # Loading the libraries needed files of its own; from here on there is nothing to open but the bytes at hand.
    confinement.shut()
    try:
        # Names and comments in a recording may be in any encoding; nobody reads them.
        with av.open(data, mode="r", options=_OPTIONS, metadata_errors="ignore") as container:
            return _decode(container, int(seconds * _RATE))
    except (av.FFmpegError, ValueError):
        return UNREADABLE


def _decode(container: av.container.InputContainer, samples: int) -> int:
    if container.format.name not in _CONTAINERS:
        return UNREADABLE
    if not container.streams.audio:
        return NO_TRACK
    stream = container.streams.audio[0]
    codec = stream.codec_context
    if codec.name not in _CODECS:
        return UNREADABLE
    codec.thread_count = 1
    output = sys.stdout.buffer
    left = samples
    for block in _resampled(_frames(container, stream)):
        if left == samples:
            output.write(f"{_CONTAINERS[container.format.name]}/{codec.codec.canonical_name}\n".encode())
        taken = min(left, block.samples)
        output.write(bytes(block.planes[0])[: taken * 2])
        left -= taken
        if not left:
            break
    return 0


def _frames(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """What can be decoded. A recording cut off in the middle ends there, and one bad packet is left out; where all are
    bad, FFmpegError is raised."""
    import av

    failure = None
    decoded = 0
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    decoded += 1
                    yield frame
            except av.FFmpegError as error:
                failure = error
    except av.FFmpegError as error:
        failure = error
    if failure is not None and not decoded:
        raise failure


def _resampled(frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """16 kHz mono. Rate and channels may change on the way; ValueError where they are what no microphone gives."""
    import av

    resampler = None
    kind = None
    for frame in frames:
        if frame.sample_rate not in _RATES or not 1 <= frame.layout.nb_channels <= _MAX_CHANNELS:
            raise ValueError
        if kind != (frame.format.name, frame.layout.name, frame.sample_rate):
            if resampler is not None:
                yield from resampler.resample(None)
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
        assert resampler is not None
        # Its place in time says nothing that its place in the row does not; stretching to it could cost without end.
        frame.pts = None
        yield from resampler.resample(frame)
    if resampler is not None:
        yield from resampler.resample(None)


if __name__ == "__main__":
    sys.exit(main())
