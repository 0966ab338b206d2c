"""Recordings as people send them, and what is sent instead of recordings."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voice.speaking import RATE, encode, noise, silence, speak, wav
from voice.audio import Audio, AudioError, AudioLimits, decode

FORMATS = {
    # container, codec of the encoder, rate: what decode calls it
    ("webm", "libopus", 48_000): "webm/opus",
    ("ogg", "libopus", 48_000): "ogg/opus",
    ("mp4", "aac", 44_100): "mp4/aac",
    ("ipod", "aac", 48_000): "mp4/aac",
    ("adts", "aac", 16_000): "aac/aac",
    ("mp3", "libmp3lame", 44_100): "mp3/mp3",
    ("flac", "flac", 44_100): "flac/flac",
    ("wav", "pcm_s16le", 8_000): "wav/pcm_s16le",
    ("wav", "pcm_f32le", 48_000): "wav/pcm_f32le",
    ("wav", "pcm_mulaw", 8_000): "wav/pcm_mulaw",
    ("3gp", "libopencore_amrnb", 8_000): "mp4/amr_nb",
    ("amr", "libopencore_amrnb", 8_000): "amr/amr_nb",
}


@pytest.fixture(scope="module")
def query() -> bytes:
    return speak("身份证丢了怎么办")


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def children() -> set[str]:
    return {child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}


def code_of(data: bytes, limits: AudioLimits | None = None) -> str:
    with pytest.raises(AudioError) as caught:
        decode(data, limits or AudioLimits())
    assert str(caught.value).endswith("。")
    return caught.value.code


def likeness(heard: bytes, spoken: bytes) -> float:
    """Of how loud they are, fiftieth by fiftieth of a second; encoders may put up to a fifth in front."""

    def loudness(pcm: bytes) -> np.ndarray:
        samples = np.frombuffer(pcm, dtype="<i2").astype(float)
        return np.sqrt(samples[: samples.size // 320 * 320].reshape(-1, 320).var(axis=1))

    one, other = loudness(heard), loudness(spoken)
    size = min(one.size, other.size) - 10
    return max(np.corrcoef(one[shift : shift + size], other[:size])[0, 1] for shift in range(10))


@pytest.mark.parametrize(("container", "codec", "rate"), FORMATS)
def test_every_format_gives_the_same_sound(query: bytes, container: str, codec: str, rate: int) -> None:
    audio = decode(encode(query, container, codec, rate=rate))
    assert audio.format == FORMATS[container, codec, rate]
    assert audio.seconds == pytest.approx(len(query) / 2 / RATE, abs=0.15)
    assert not audio.was_cut
    assert likeness(audio.pcm, query) > 0.9


def test_plain_wav_is_taken_as_it_is(query: bytes) -> None:
    assert decode(wav(query)) == Audio(query, was_cut=False, format="wav/pcm_s16le")


@pytest.mark.parametrize(("container", "codec"), [("flac", "flac"), ("wav", "pcm_s16le")])
def test_stereo_becomes_one_channel(query: bytes, container: str, codec: str) -> None:
    audio = decode(encode(query, container, codec, layout="stereo"))
    assert audio.seconds == pytest.approx(len(query) / 2 / RATE, abs=0.05)
    assert likeness(audio.pcm, query) > 0.9


@pytest.mark.parametrize("make", [wav, lambda pcm: encode(pcm, "webm", "libopus", rate=48_000)], ids=["wav", "webm"])
def test_what_is_longer_than_the_limit_is_cut_and_says_so(make: Callable[[bytes], bytes]) -> None:
    limits = AudioLimits(seconds=2.0)
    pcm = noise(3, "pink", 1, level_db=-20)
    cut, whole = decode(make(pcm), limits), decode(make(pcm[: 2 * 2 * RATE - 6_400]), limits)
    assert (cut.seconds, cut.was_cut) == (2.0, True)
    assert whole.seconds <= 2.0
    assert not whole.was_cut


def test_an_hour_of_silence_costs_no_more_than_fifteen_seconds() -> None:
    hour = encode(silence(3_600), "flac", "flac", rate=8_000)
    tracemalloc.start()
    audio = decode(hour)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (audio.seconds, audio.was_cut) == (15.0, True)
    assert most < 5_000_000


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [kind for kind in FORMATS if kind[0] not in ("mp4", "ipod", "3gp")],
)
def test_half_a_file_gives_the_half_that_is_there(query: bytes, container: str, codec: str, rate: int) -> None:
    data = encode(query * 2, container, codec, rate=rate)
    audio = decode(data[: len(data) // 2])
    assert 0.25 < audio.seconds / (len(query) / RATE) < 0.75


def test_half_an_mp4_has_lost_its_index_and_is_unreadable(query: bytes) -> None:
    data = encode(query, "mp4", "aac")
    assert code_of(data[: len(data) // 2]) == "audio_unreadable"


def test_a_hole_in_the_middle_is_left_out(query: bytes) -> None:
    data = bytearray(encode(query, "mp3", "libmp3lame"))
    data[len(data) // 3 : len(data) // 3 + 600] = bytes(600)
    assert decode(bytes(data)).seconds > 0.8 * len(query) / 2 / RATE


def test_names_in_an_old_chinese_encoding_do_no_harm(query: bytes) -> None:
    name = "录音".encode("gbk")
    info = b"INFOINAM" + len(name).to_bytes(4, "little") + name
    data = wav(query[: 2 * 8_000], rate=8_000) + b"LIST" + len(info).to_bytes(4, "little") + info
    data = data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]
    assert decode(data).seconds == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("data", [b"", wav(b""), wav(b"", rate=8_000)], ids=["no bytes", "no samples", "none at 8 kHz"])
def test_what_holds_nothing_is_empty(data: bytes) -> None:
    assert code_of(data) == "audio_empty"


def test_a_hundred_megabytes_are_refused_unread() -> None:
    data = bytes(100_000_000)
    tracemalloc.start()
    assert code_of(data) == "audio_too_large"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000


def garbage() -> dict[str, bytes]:
    random = np.random.default_rng(1)
    return {
        "random": random.bytes(50_000),
        "zeros": bytes(50_000),
        "text": "我想办身份证。".encode() * 500,
        "html": b"<!doctype html><title>no sound</title>" * 50,
        "png": b"\x89PNG\r\n\x1a\n" + random.bytes(3_000),
        "zip": b"PK\x03\x04" + random.bytes(3_000),
        "only the word RIFF": b"RIFF",
        "wav header and nonsense": b"RIFF\xff\xff\xff\xffWAVEfmt " + random.bytes(100),
        "webm header and nonsense": b"\x1aE\xdf\xa3" + random.bytes(3_000),
        "ogg header and nonsense": b"OggS" + random.bytes(3_000),
        "mp4 header and nonsense": b"\x00\x00\x00\x18ftypM4A " + random.bytes(3_000),
        "flac header and nonsense": b"fLaC" + random.bytes(3_000),
        "a tag and nothing": b"ID3" + b"\xff" * 90,
        "midi": b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60MTrk" + bytes(50),
        "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
    }


@pytest.mark.parametrize("name", garbage())
def test_what_is_no_recording_is_unreadable(name: str) -> None:
    assert code_of(garbage()[name]) == "audio_unreadable"


@pytest.mark.parametrize(("container", "codec"), [("asf", "mp2"), ("matroska", "ac3"), ("aiff", "pcm_s16be")])
def test_formats_that_nobody_records_are_unreadable(query: bytes, container: str, codec: str) -> None:
    assert code_of(encode(query, container, codec, rate=48_000)) == "audio_unreadable"


def test_a_video_without_sound_has_no_audio_track() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(10):
            output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    assert code_of(file.getvalue()) == "no_audio_track"


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{address}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{address}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
    'mimeType="audio/mp4"><Representation id="1"><BaseURL>{address}</BaseURL></Representation></AdaptationSet>'
    "</Period></MPD>",
    "sdp": "v=0\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\na=control:{address}\n",
    "address": "{address}",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_playlists_open_no_file(kind: str, query: bytes, tmp_path: Path) -> None:
    named = tmp_path / "named.wav"
    named.write_bytes(wav(query))
    for address in (str(named), f"file://{named}", "file:///etc/passwd", "/etc/passwd"):
        assert code_of(PLAYLISTS[kind].format(address=address).encode()) == "audio_unreadable"


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_playlists_reach_no_network(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/speech.wav"
        assert code_of(PLAYLISTS[kind].format(address=address).encode()) == "audio_unreadable"
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(("rate", "channels"), [(1, 1), (768_000, 1), (2**31 - 1, 1), (48_000, 255), (16_000, 65_535)])
def test_what_no_microphone_gives_is_unreadable(rate: int, channels: int) -> None:
    header = bytearray(wav(noise(1, "white", 1, level_db=-20)))
    header[22:24] = channels.to_bytes(2, "little")
    header[24:28] = rate.to_bytes(4, "little")
    header[28:32] = min(rate * channels * 2, 2**32 - 1).to_bytes(4, "little")
    header[32:34] = min(channels * 2, 65_535).to_bytes(2, "little")
    assert code_of(bytes(header)) == "audio_unreadable"


@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_a_declared_length_is_not_believed(rate: int) -> None:
    data = bytearray(wav(noise(1, "white", 1, level_db=-20), rate=rate))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    audio = decode(bytes(data))
    assert audio.seconds == pytest.approx(RATE / rate, abs=0.01)
    assert not audio.was_cut


def decoder_that(does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program in the decoder's place."""
    program = tmp_path / "decoder"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


WEBM = b"\x1aE\xdf\xa3 whatever"


@pytest.mark.parametrize(
    "does",
    ["exec sleep 60", "exec cat /dev/zero", "kill -9 $$", "kill -11 $$", "exit 1", "exec >&-; exec sleep 60"],
    ids=["hangs", "floods", "is killed", "crashes", "fails", "closes its output and hangs"],
)
def test_a_decoder_gone_wrong_is_ended_and_reported(does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder_that(does, tmp_path, monkeypatch)
    tracemalloc.start()
    assert code_of(WEBM, AudioLimits(wait_seconds=0.5)) == "audio_too_slow"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3_000_000


def test_a_decoder_that_cannot_start_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    assert code_of(WEBM) == "audio_too_slow"


def test_the_decoder_sees_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANSHI_DATABASE_URL", "postgresql://banshi:password@localhost")
    decoder_that("echo webm/opus; env; echo; ls /proc/self/fd | tr '\\n' ' '", tmp_path, monkeypatch)
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        seen = decode(WEBM).pcm.decode()
    variables, descriptors = seen.split("\n\n")
    assert "PYTHONPATH=" in variables
    assert "BANSHI" not in variables
    # The last is that of the folder that is listed.
    assert set(descriptors.split()) <= {"0", "1", "2", "3"}


def test_a_decoder_dies_with_whoever_started_it() -> None:
    starting = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'voice.decoding', '15'], stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    # Our end of its input stays open, so it waits for more.
    with subprocess.Popen(
        [sys.executable, "-c", starting], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as parent:
        assert parent.stdout is not None
        child = Path("/proc") / parent.stdout.readline().decode().strip()
        wait_until(lambda: "NoNewPrivs:\t1" in (child / "status").read_text())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_until(lambda: not child.exists() or "State:\tZ" in (child / "status").read_text())


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("did not come to pass in ten seconds")


def test_eight_recordings_are_decoded_at_once(query: bytes) -> None:
    data = [encode(query[: 2 * RATE * (1 + number) // 4], "ogg", "libopus", rate=48_000) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        decoded = list(pool.map(decode, data))
    for number, audio in enumerate(decoded):
        assert audio.seconds == pytest.approx((1 + number) / 4, abs=0.05)


def test_nothing_stays_open_whatever_is_sent(query: bytes, tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for data in (encode(query, "ogg", "libopus", rate=48_000), b"nonsense", WEBM, wav(query)):
        try:
            decode(data)
        except AudioError as error:
            assert error.code == "audio_unreadable"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


_REAL = [
    encode(noise(0.3, "pink", 1, level_db=-20), container, codec, rate=rate)
    for container, codec, rate in (
        ("webm", "libopus", 48_000),
        ("ogg", "libopus", 48_000),
        ("mp4", "aac", 16_000),
        ("mp3", "libmp3lame", 16_000),
        ("flac", "flac", 16_000),
        ("wav", "pcm_mulaw", 8_000),
    )
] + [wav(noise(0.3, "pink", 1, level_db=-20))]


@st.composite
def broken_files(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(_REAL)))
    for _ in range(draw(st.integers(1, 8))):
        # Mostly headers: what stands there decides what else is done.
        place = draw(st.integers(0, min(len(data) - 1, draw(st.sampled_from([64, 512, 1_000_000])))))
        data[place : place + draw(st.sampled_from([0, 1, 4]))] = draw(st.binary(max_size=8))
    return bytes(data)


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=2_000), broken_files()))
def test_whatever_is_sent_gives_sound_or_a_reason(data: bytes) -> None:
    try:
        audio = decode(data)
    except AudioError as error:
        assert error.code in ("audio_empty", "audio_unreadable", "no_audio_track", "audio_too_slow")
    else:
        assert audio.pcm
        assert len(audio.pcm) % 2 == 0
        assert audio.seconds <= 15
        assert audio.format.count("/") == 1
