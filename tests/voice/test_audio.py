from __future__ import annotations

import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voice.speaking import encoded, noise, resampled, silence, speak, wav
from voice.audio import MAX_BYTES, AudioError, decode
from voice.sound import RATE

SPOKEN = speak("办营业执照要带什么材料")
SECONDS = len(SPOKEN) / 2 / RATE
FORMATS = [("webm", "libopus"), ("ogg", "libopus"), ("mp4", "aac"), ("mp3", "libmp3lame"), ("flac", "flac")]


@pytest.mark.parametrize(("container", "codec"), FORMATS)
def test_what_browsers_and_telephones_record_is_heard_whole(container: str, codec: str) -> None:
    audio = decode(encoded(SPOKEN, container, codec))
    assert audio.seconds == pytest.approx(SECONDS, abs=0.15)
    assert not audio.was_cut
    ours, given_ = (np.frombuffer(pcm, dtype="<i2").astype(float) for pcm in (audio.pcm, SPOKEN))
    assert ours.std() == pytest.approx(given_.std(), rel=0.1)


def test_a_plain_wav_file_is_taken_as_it_is() -> None:
    assert decode(wav(SPOKEN)).pcm == SPOKEN


def test_other_rates_and_channels_are_made_one() -> None:
    stereo = np.repeat(np.frombuffer(noise(1, "white"), dtype="<i2"), 2).tobytes()
    header = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(stereo), b"WAVEfmt ", 16, 1, 2, 16_000, 64_000, 4, 16,
                         b"data", len(stereo))  # fmt: skip
    assert decode(header + stereo).seconds == pytest.approx(1, abs=0.05)
    assert decode(wav(SPOKEN, rate=48_000)).seconds == pytest.approx(SECONDS / 3, abs=0.05)


@pytest.mark.parametrize("form", ["wav", "webm"])
def test_what_goes_on_too_long_is_cut_and_that_is_known(form: str) -> None:
    long = silence(0.5) + noise(17, "pink")
    audio = decode(wav(long) if form == "wav" else encoded(long, "webm", "libopus"))
    assert (audio.seconds, audio.was_cut) == (15.0, True)


@pytest.mark.parametrize(("container", "codec"), FORMATS)
def test_a_recording_that_breaks_off_is_heard_as_far_as_it_goes_or_refused_in_words(container: str, codec: str) -> None:
    whole = encoded(SPOKEN, container, codec)
    for share in (0.1, 0.5, 0.9):
        try:
            assert decode(whole[: int(len(whole) * share)]).seconds <= SECONDS + 0.2
        except AudioError as error:
            assert error.code in ("audio_unreadable", "no_audio_track")


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile '/etc/passwd'\n"
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(200)


NO_RECORDINGS = {
    "a letter": b"x",
    "zeros": bytes(5_000),
    "an empty RIFF": b"RIFF" + bytes(60),
    "a playlist": PLAYLIST,
    "a list of files": CONCAT,
    "a session description": SDP,
    "a picture": PICTURE,
    "text": "身份证丢了".encode(),
    "a broken tag": b"ID3" + b"\xff" * 90,
}


@pytest.mark.parametrize("data", NO_RECORDINGS.values(), ids=NO_RECORDINGS)
def test_what_is_no_recording_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(AudioError) as refused:
        decode(data)
    assert refused.value.code in ("audio_unreadable", "no_audio_track")
    assert "打字" in str(refused.value)


def test_nothing_and_too_much_are_refused_before_anything_is_done() -> None:
    with pytest.raises(AudioError, match="空的"):
        decode(b"")
    with pytest.raises(AudioError, match="太大"):
        decode(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize(("rate", "channels"), [(1, 1), (768_000, 1), (16_000, 255), (2**31, 2)])
def test_a_header_that_lies_costs_nothing(rate: int, channels: int) -> None:
    header = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 2**31, b"WAVEfmt ", 16, 1, channels, rate, rate & 0xFFFFFFFF,
                         2 * channels, 16, b"data", 2**31)  # fmt: skip
    with pytest.raises(AudioError):
        decode(header + bytes(10_000))


def test_many_at_once_do_not_disturb_each_other_and_leave_no_process() -> None:
    recordings = [
        encoded(speak(text), "webm", "libopus") for text in ("结婚登记", "申请低保", "办理退休", "公积金提取")
    ]
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(decode, recordings * 2))
    assert [audio.pcm for audio in heard[:4]] == [audio.pcm for audio in heard[4:]]
    assert not [
        child for child in Path(f"/proc/{os.getpid()}/task").glob("*/children") if "voice.decoding" in _commands(child)
    ]


def _commands(children: Path) -> str:
    return " ".join(
        Path(f"/proc/{pid}/cmdline").read_text(errors="replace") for pid in children.read_text().split() if pid
    )


@settings(max_examples=25)
@given(
    st.binary(min_size=1, max_size=3_000)
    | st.binary(max_size=500).map(lambda tail: encoded(SPOKEN[:8_000], "ogg", "libopus")[:200] + tail)
)
def test_any_bytes_are_sound_or_an_audio_error(data: bytes) -> None:
    try:
        decode(data)
    except AudioError as error:
        assert error.code.startswith(("audio_", "no_audio"))


def test_the_helper_of_these_tests_agrees_with_the_decoder() -> None:
    mp3 = encoded(SPOKEN, "mp3", "libmp3lame")
    assert abs(len(resampled(mp3)) - len(decode(mp3).pcm)) < RATE // 10
