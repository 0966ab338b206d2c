"""Sound for tests, made when they run: espeak-ng speaks, PyAV encodes, numpy makes noise. PCM is 16 kHz mono s16le."""

from __future__ import annotations

import io
import subprocess
import wave
from typing import Literal

import av
import numpy as np
from pypinyin import Style, lazy_pinyin

RATE = 16_000
Noise = Literal["white", "pink", "hum", "babble"]
_OTHERS = ("我想办理营业执照", "请问医保卡丢了怎么办", "孩子上学要什么材料", "居住证在哪里办")


def speak(text: str, *, voice: str = "cmn-latn-pinyin+f2", speed: int = 150, pitch: int = 50) -> bytes:
    """Mandarin as espeak-ng says it. It knows few characters, so it is given pinyin."""
    pinyin = " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", pinyin],
        check=True,
        capture_output=True,
    ).stdout
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(spoken)) as container:
        blocks = [block for frame in container.decode(audio=0) for block in resampler.resample(frame)]
    return b"".join(bytes(block.planes[0])[: block.samples * 2] for block in [*blocks, *resampler.resample(None)])


def wav(pcm: bytes, *, rate: int = RATE, channels: int = 1) -> bytes:
    """A WAV file of the samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setframerate(rate)
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.writeframes(pcm)
    return file.getvalue()


def encode(pcm: bytes, container: str, codec: str, *, rate: int = RATE, layout: str = "mono") -> bytes:
    """The samples as a file of a format and codec of ffmpeg, such as ``webm`` and ``libopus``."""
    file = io.BytesIO()
    samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = RATE
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(
            format=stream.format.name, layout=layout, rate=rate, frame_size=stream.frame_size or None
        )
        for block in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(block))
        output.mux(stream.encode(None))
    return file.getvalue()


def silence(seconds: float) -> bytes:
    """Digital silence."""
    return bytes(int(seconds * RATE) * 2)


def noise(seconds: float, kind: Noise, seed: int, *, level_db: float) -> bytes:
    """Noise alone, ``level_db`` below full scale."""
    samples = _noise(int(seconds * RATE), kind, seed) * 32_768 * 10 ** (level_db / 20)
    return _pcm(samples)


def with_noise(pcm: bytes, snr_db: float, kind: Noise, seed: int) -> bytes:
    """Speech in noise that is ``snr_db`` below the speech, its pauses not counted."""
    speech = np.frombuffer(pcm, dtype="<i2").astype(float)
    power = speech[: speech.size // 320 * 320].reshape(-1, 320).var(axis=1)
    loudness = np.sqrt(power[power > power.max() / 1_000].mean())
    return _pcm(speech + _noise(speech.size, kind, seed) * loudness * 10 ** (-snr_db / 20))


def louder(pcm: bytes, db: float) -> bytes:
    """The same, amplified, and cut at full scale as a microphone would."""
    return _pcm(np.frombuffer(pcm, dtype="<i2") * 10 ** (db / 20))


def _pcm(samples: np.ndarray) -> bytes:
    return np.clip(np.round(samples), -32_768, 32_767).astype("<i2").tobytes()


def _noise(size: int, kind: Noise, seed: int) -> np.ndarray:
    """Of power 1."""
    random = np.random.default_rng(seed)
    samples = random.standard_normal(size)
    if kind == "pink":
        spectrum = np.fft.rfft(samples)
        spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
        samples = np.fft.irfft(spectrum, size)
    elif kind == "hum":
        time = np.arange(size) / RATE
        samples = samples * 0.02 + sum(np.sin(2 * np.pi * 50 * n * time + n) / n for n in range(1, 8))
    elif kind == "babble":
        samples = np.zeros(size)
        for pitch, text in enumerate(_OTHERS):
            voice = np.frombuffer(speak(text, pitch=30 + 15 * pitch), dtype="<i2").astype(float)
            samples += np.resize(np.roll(voice, random.integers(voice.size)), size)
    return samples / np.sqrt(np.mean(samples**2))
