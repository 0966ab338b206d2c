"""What kind of sound it is, and when somebody has stopped speaking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.speaking import RATE, Noise, louder, noise, silence, speak, with_noise
from voice.sound import Sound, SoundMeter


def measured(pcm: bytes) -> SoundMeter:
    meter = SoundMeter()
    for start in range(0, len(pcm), 6_400):
        meter.accept(pcm[start : start + 6_400])
    return meter


def sound_of(pcm: bytes) -> Sound:
    return measured(pcm).sound()


@pytest.fixture(scope="module")
def query() -> bytes:
    return speak("身份证丢了怎么办")


def bursts(seconds: float, tail: float, seed: int) -> bytes:
    """What doors and keyboards make: short noise, three times a second, that dies away."""
    random = np.random.default_rng(seed)
    samples = random.standard_normal(int(seconds * RATE)) * 30
    length = int(tail * 6 * RATE)
    for start in random.integers(0, samples.size - length, int(seconds * 3)):
        samples[start : start + length] += (
            random.standard_normal(length) * 12_000 * np.exp(-np.arange(length) / RATE / tail)
        )
    return np.clip(samples, -32_768, 32_767).astype("<i2").tobytes()


@pytest.mark.parametrize("voice", ["cmn-latn-pinyin+f2", "cmn-latn-pinyin+m3", "cmn-latn-pinyin"])
@pytest.mark.parametrize("speed", [110, 220])
def test_women_and_men_slow_and_fast_are_speech(voice: str, speed: int) -> None:
    assert sound_of(speak("我想开一家小饭店", voice=voice, speed=speed)).condition == "speech"


@pytest.mark.parametrize("kind", ["white", "pink", "hum", "babble"])
@pytest.mark.parametrize("snr_db", [20, 10, 5])
def test_speech_in_noise_is_speech(query: bytes, kind: Noise, snr_db: float) -> None:
    sound = sound_of(with_noise(silence(0.5) + query + silence(0.5), snr_db, kind, seed=1))
    assert sound.condition == "speech"
    assert sound.has_speech


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
@pytest.mark.parametrize("level_db", [-40, -25, -10])
@pytest.mark.parametrize("seconds", [0.5, 15])
def test_steady_noise_is_noise(kind: Noise, level_db: float, seconds: float) -> None:
    meter = measured(noise(seconds, kind, seed=2, level_db=level_db))
    assert meter.sound().condition == "noise"
    assert meter.speech_seconds == 0
    assert meter.trailing_silence_seconds == pytest.approx(seconds, abs=0.02)


@pytest.mark.parametrize("tail", [0.01, 0.1])
def test_doors_and_keyboards_are_noise(tail: float) -> None:
    assert sound_of(bursts(6, tail, seed=3)).condition == "noise"


def test_wind_that_swells_and_fades_is_noise() -> None:
    gusts = np.frombuffer(noise(8, "pink", seed=4, level_db=-20), dtype="<i2")
    swelling = 0.55 + 0.45 * np.sin(2 * np.pi * 0.5 * np.arange(gusts.size) / RATE)
    assert sound_of((gusts * swelling).astype("<i2").tobytes()).condition == "noise"


@pytest.mark.parametrize("pcm", [silence(3), noise(3, "white", seed=5, level_db=-80)], ids=["zeros", "converter hiss"])
def test_a_muted_microphone_is_silent(pcm: bytes) -> None:
    sound = sound_of(pcm)
    assert sound.condition == "silence"
    assert not sound.has_speech


def test_a_constant_voltage_is_silent() -> None:
    assert sound_of(np.full(3 * RATE, 9_000, dtype="<i2").tobytes()).condition == "silence"


def test_nothing_at_all_is_silent() -> None:
    assert sound_of(b"") == Sound(
        seconds=0.0, level_db=-96.0, noise_floor_db=-96.0, clipped_share=0.0, has_speech=False
    )
    assert sound_of(b"").condition == "silence"


def test_a_voice_far_from_the_microphone_is_quiet_and_still_speech(query: bytes) -> None:
    sound = sound_of(louder(query, -40))
    assert sound.condition == "quiet"
    assert sound.has_speech


def test_a_still_room_in_which_nobody_speaks_is_quiet() -> None:
    sound = sound_of(noise(3, "pink", seed=6, level_db=-57))
    assert sound.condition == "quiet"
    assert not sound.has_speech


def test_what_is_cut_at_full_scale_is_clipped_and_still_speech(query: bytes) -> None:
    sound = sound_of(louder(query, 20))
    assert sound.clipped
    assert sound.condition == "speech"
    assert not sound_of(query).clipped


def test_a_short_word_in_long_silence_is_speech() -> None:
    meter = measured(silence(6) + speak("医保", speed=220) + silence(6))
    assert meter.sound().condition == "speech"
    assert 0.1 < meter.speech_seconds < 1.0


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
@pytest.mark.parametrize("tail", [0.4, 1.5])
def test_the_silence_after_speech_is_measured_in_noise_too(query: bytes, kind: Noise, tail: float) -> None:
    samples = np.frombuffer(query, dtype="<i2")
    last = int(np.flatnonzero(np.abs(samples) > 1_000)[-1])
    meter = measured(with_noise(silence(0.5) + query[: last * 2] + silence(tail), 20, kind, seed=7))
    assert meter.trailing_silence_seconds == pytest.approx(tail, abs=0.15)


def test_a_pause_in_the_middle_is_over_when_speech_goes_on(query: bytes) -> None:
    meter = measured(query + silence(1.2))
    assert meter.trailing_silence_seconds >= 1.2
    meter.accept(query[: RATE * 2])
    assert meter.trailing_silence_seconds < 0.5


def test_before_anybody_speaks_all_of_it_is_silence() -> None:
    assert measured(silence(2)).trailing_silence_seconds == pytest.approx(2)


def test_speech_time_leaves_out_the_pauses(query: bytes) -> None:
    alone, with_pauses = measured(query), measured(silence(1) + query + silence(2))
    assert with_pauses.speech_seconds == pytest.approx(alone.speech_seconds, abs=0.3)
    assert with_pauses.seconds == pytest.approx(alone.seconds + 3, abs=0.05)


def test_a_constant_part_changes_nothing(query: bytes) -> None:
    quieter = np.frombuffer(louder(query, -12), dtype="<i2")
    shifted = (quieter + 4_000).astype("<i2").tobytes()
    plain, with_constant = sound_of(quieter.tobytes()), sound_of(shifted)
    assert with_constant.condition == plain.condition == "speech"
    assert with_constant.level_db == pytest.approx(plain.level_db, abs=0.1)


def test_the_meter_shows_silence_as_empty_and_rises_with_the_voice(query: bytes) -> None:
    def level(pcm: bytes) -> float:
        return SoundMeter().accept(pcm)

    assert level(silence(0.2)) == 0
    assert 0 < level(louder(query, -30)) < level(louder(query, -10)) <= level(louder(query, 30)) == 1


@given(st.lists(st.integers(min_value=0, max_value=2_000), max_size=40))
def test_how_it_is_cut_into_blocks_changes_nothing(sizes: list[int]) -> None:
    pcm = noise(0.5, "pink", seed=8, level_db=-20) + silence(0.1)
    whole, meter, start = SoundMeter(), SoundMeter(), 0
    whole.accept(pcm)
    for size in sizes:
        meter.accept(pcm[start : start + size])
        start += size
    meter.accept(pcm[start:])
    cut, uncut = meter.sound(), whole.sound()
    assert (cut.seconds, cut.condition, cut.clipped_share) == (uncut.seconds, uncut.condition, uncut.clipped_share)
    assert cut.level_db == pytest.approx(uncut.level_db)
    assert meter.trailing_silence_seconds == pytest.approx(whole.trailing_silence_seconds)


@given(st.binary(max_size=5_000))
def test_any_bytes_are_measured(pcm: bytes) -> None:
    meter = SoundMeter()
    assert 0 <= meter.accept(pcm) <= 1
    sound = meter.sound()
    assert sound.condition in ("speech", "silence", "quiet", "noise")
    assert 0 <= sound.clipped_share <= 1
    assert meter.speech_seconds + meter.trailing_silence_seconds <= sound.seconds + 1e-6
