"""Speech made at test time by espeak-ng, and what happens to it on its way: noise, formats, other rates."""

from __future__ import annotations

import io
import subprocess
import wave
from functools import cache
from typing import Literal

import av
import numpy as np
from pypinyin import Style, lazy_pinyin

from voice.sound import RATE

VOICE = "cmn-latn-pinyin+f2"
Noise = Literal["white", "pink", "hum"]


@cache
def speak(text: str, *, voice: str = VOICE, speed: int = 180, pitch: int = 50) -> bytes:
    """A text as 16 kHz mono PCM. espeak's own Mandarin voice knows few characters, so it is given pinyin."""
    said = " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))
    made = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", said],
        capture_output=True,
        check=True,
    )
    return resampled(made.stdout)


def resampled(recording: bytes) -> bytes:
    """Any recording as 16 kHz mono PCM, by the library and not by our own decoder."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(recording)) as container:
        frames = [block for frame in container.decode(audio=0) for block in resampler.resample(frame)]
        frames += resampler.resample(None)
    return b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in frames)


def silence(seconds: float) -> bytes:
    """Digital silence."""
    return bytes(int(seconds * RATE) * 2)


def noise(seconds: float, kind: Noise, *, level: float = 1_000, seed: int = 1) -> bytes:
    """Noise alone; ``level`` is its effective amplitude of 32,768."""
    samples = _noise(int(seconds * RATE), kind, seed)
    return _pcm(samples * level / samples.std())


def with_noise(pcm: bytes, kind: Noise, *, snr_db: float, seed: int = 1) -> bytes:
    """Speech in noise of the same length."""
    speech = np.frombuffer(pcm, dtype="<i2").astype(float)
    added = _noise(len(speech), kind, seed)
    added *= speech.std() / added.std() / 10 ** (snr_db / 20)
    return _pcm(speech + added)


def louder(pcm: bytes, factor: float) -> bytes:
    """The same louder or quieter, cut at full scale as a microphone cuts it."""
    return _pcm(np.frombuffer(pcm, dtype="<i2").astype(float) * factor)


def wav(pcm: bytes, *, rate: int = RATE) -> bytes:
    """A WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(pcm)
    return file.getvalue()


def encoded(pcm: bytes, container: str, codec: str, *, rate: int = 48_000) -> bytes:
    """As a browser or a telephone records it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts = 0
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=rate, frame_size=stream.codec_context.frame_size
        )
        sent = 0
        for block in (*resampler.resample(frame), *resampler.resample(None)):
            block.pts = sent
            sent += block.samples
            output.mux(stream.encode(block))
        output.mux(stream.encode(None))
    return file.getvalue()


def _noise(samples: int, kind: Noise, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    white = random.standard_normal(samples)
    if kind == "pink":
        spectrum = np.fft.rfft(white)
        return np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), samples)
    if kind == "hum":
        time = np.arange(samples) / RATE
        return np.sin(2 * np.pi * 50 * time) + 0.5 * np.sin(2 * np.pi * 100 * time) + 0.02 * white
    return white


def _pcm(samples: np.ndarray) -> bytes:
    return np.clip(samples, -32_768, 32_767).astype("<i2").tobytes()
