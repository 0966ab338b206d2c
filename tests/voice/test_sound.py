from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.speaking import louder, noise, silence, speak, with_noise
from voice.sound import SoundMeter

SPOKEN = "身份证丢了怎么补办"


def measured(pcm: bytes, *, block: int = 3_200) -> SoundMeter:
    meter = SoundMeter()
    for start in range(0, len(pcm), block):
        meter.accept(pcm[start : start + block])
    return meter


def test_speech_is_told_from_silence_noise_and_whispering() -> None:
    said = silence(0.5) + speak(SPOKEN) + silence(0.5)
    assert measured(said).sound().condition == "speech"
    assert measured(silence(3)).sound().condition == "silence"
    assert measured(louder(said, 0.004)).sound().condition == "quiet"
    for kind in ("white", "pink", "hum"):
        for level in (60, 1_000, 8_000):
            assert measured(noise(3, kind, level=level)).sound().condition == "noise", (kind, level)


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
@pytest.mark.parametrize("snr_db", [20, 10, 5])
def test_speech_in_noise_is_still_speech(kind, snr_db: int) -> None:
    said = silence(0.3) + speak(SPOKEN) + silence(0.3)
    assert measured(with_noise(said, kind, snr_db=snr_db)).sound().condition == "speech"


def test_too_loud_is_told() -> None:
    assert not measured(speak(SPOKEN)).sound().clipped
    assert measured(louder(speak(SPOKEN), 20)).sound().clipped


def test_the_end_of_speech_is_seen_but_no_pause_within_it() -> None:
    meter = measured(speak(SPOKEN))
    assert meter.trailing_silence_seconds < 0.4
    assert meter.speech_seconds > 0.8
    meter.accept(silence(1.0))
    assert 0.9 <= meter.trailing_silence_seconds < 1.4
    meter.accept(speak("补办"))
    assert meter.trailing_silence_seconds < 0.4


def test_nobody_speaking_is_silence_all_along() -> None:
    for sound in (silence(2), noise(2, "white")):
        meter = measured(sound)
        assert meter.trailing_silence_seconds == pytest.approx(meter.seconds)
        assert meter.speech_seconds == 0


@given(st.binary(max_size=4_000), st.integers(1, 1_999))
def test_any_bytes_in_blocks_of_any_length_measure_alike(pcm: bytes, block: int) -> None:
    whole = SoundMeter()
    whole.accept(pcm)
    parts = SoundMeter()
    for start in range(0, len(pcm), block):
        assert 0 <= parts.accept(pcm[start : start + block]) <= 1
    assert parts.sound() == whole.sound()
