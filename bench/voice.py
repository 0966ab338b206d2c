"""``python -m bench.voice``: hearing beside a bare Vosk decode of the same audio, several speakers at once, and a soak.

The audio is espeak-ng's, made when this runs: judged queries of the tuning half, spoken in two voices. The soak plays
clients that send garbage, stall, flood or vanish against a real worker, and watches its memory and threads.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import vosk
from rich.console import Console
from rich.table import Table
from simple_websocket import Client, ConnectionClosed

from banshi.composition import Application
from bench.machine import describe, percentile, resident_mib
from search.evaluation import Judgement, load
from tests import catalogue
from tests.banshi.server import START_SECONDS, Server, descendants
from tests.voice.speaking import silence, speak
from tests.waiting import eventually
from voice.listening import VoiceBusyError, VoiceService
from voice.sound import BYTES_PER_SECOND, RATE
from voice.vocabulary import spoken_runs

JUDGEMENTS = Path("tests/search/judgements/tuning.jsonl")
BLOCK = BYTES_PER_SECOND // 10
VOICES = ("cmn-latn-pinyin+f2", "cmn-latn-pinyin+m7")
_WAIT_SECONDS = 10


class Decoded(NamedTuple):
    """One way of hearing all recordings: time over length of sound, and from the last block to the words."""

    name: str
    real_time_factor: float
    finish_ms: list[float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.voice", description=__doc__)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=2, help="length of the soak; 0 leaves it out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="banshi-voice-") as name:
        application = catalogue.sample(Path(name))
        recordings = [said(judgement, number) for number, judgement in enumerate(chosen(arguments.queries))]
        print_decoding(application, recordings)
        print_speakers(application, recordings)
        if arguments.minutes:
            print_soak(Path(name), recordings, arguments.minutes)


def chosen(count: int) -> list[Judgement]:
    """Queries that can be spoken."""
    sayable = [j for j in load(JUDGEMENTS) if j.relevant and spoken_runs(j.query) == [j.query]]
    return random.Random(1).sample(sayable, count)


def said(judgement: Judgement, number: int) -> bytes:
    """A query as it arrives at a microphone."""
    return silence(0.3) + speak(judgement.query, voice=VOICES[number % len(VOICES)], speed=180) + silence(0.3)


def print_decoding(application: Application, recordings: list[bytes]) -> None:
    """Bare Vosk beside ours, with and without the catalogue's words."""
    model = vosk.Model(str(application.models.find(application.settings.voice_model).folder))
    rows = [
        bare(model, recordings),
        ours(application.voice_with(is_biased=False), "not biased", recordings),
        ours(application.voice, "biased by the catalogue", recordings),
    ]
    seconds = sum(map(len, recordings)) / BYTES_PER_SECOND
    table = Table(title=f"{describe()}; {len(recordings)} recordings, {seconds:.0f} s, blocks of 100 ms")
    for column in ("", "real-time factor", "of bare Vosk", "last block to words p50 ms", "p95 ms"):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.real_time_factor:.3f}",
            f"{row.real_time_factor / rows[0].real_time_factor:.2f}",
            f"{percentile(row.finish_ms, 0.5):.0f}",
            f"{percentile(row.finish_ms, 0.95):.0f}",
        )
    Console(width=120).print(table)


def bare(model: vosk.Model, recordings: list[bytes]) -> Decoded:
    """Nothing but Vosk, with partial results as a live page needs them."""
    finish, started = [], time.perf_counter()
    for pcm in recordings:
        recognizer = vosk.KaldiRecognizer(model, RATE)
        for at in range(0, len(pcm), BLOCK):
            recognizer.AcceptWaveform(pcm[at : at + BLOCK])
            recognizer.PartialResult()
        last = time.perf_counter()
        recognizer.FinalResult()
        finish.append((time.perf_counter() - last) * 1000)
    return Decoded("bare Vosk", _factor(started, recordings), finish)


def ours(voice: VoiceService, name: str, recordings: list[bytes]) -> Decoded:
    """The product's stream: levels, ends, readings."""
    with voice.open() as stream:  # the model and the grammar are loaded before the clock runs, as in a warm worker
        stream.finish()
    finish, started = [], time.perf_counter()
    for pcm in recordings:
        with voice.open() as stream:
            for at in range(0, len(pcm), BLOCK):
                stream.accept(pcm[at : at + BLOCK])
            last = time.perf_counter()
            stream.finish()
            finish.append((time.perf_counter() - last) * 1000)
    return Decoded(name, _factor(started, recordings), finish)


def _factor(started: float, recordings: list[bytes]) -> float:
    return (time.perf_counter() - started) * BYTES_PER_SECOND / sum(map(len, recordings))


def print_speakers(application: Application, recordings: list[bytes]) -> None:
    """People who speak at once, each at the speed of speech: how late the words come."""
    table = Table(title=f"{describe()}; speaking in real time, in one process")
    for column in ("at once", "heard", "end of speech to words p50 ms", "p95 ms", "one too many is"):
        table.add_column(column, justify="right")
    for speakers in (1, 2, 4):
        voice = application.voice_with(streams=speakers)
        lags: list[float] = []
        refused: list[str] = []
        threads = [
            threading.Thread(target=_speak, args=(voice, recordings[number::speakers][:5], lags))
            for number in range(speakers)
        ]
        for thread in threads:
            thread.start()
        time.sleep(1)
        try:
            with voice.open():
                refused.append("heard")
        except VoiceBusyError:
            refused.append("refused at once")
        for thread in threads:
            thread.join()
        table.add_row(
            str(speakers), str(len(lags)), f"{percentile(lags, 0.5):.0f}", f"{percentile(lags, 0.95):.0f}", refused[0]
        )
    Console(width=120).print(table)


def _speak(voice: VoiceService, recordings: list[bytes], lags: list[float]) -> None:
    for pcm in recordings:
        while True:
            try:
                with voice.open() as stream:
                    started = time.perf_counter()
                    for number, at in enumerate(range(0, len(pcm), BLOCK)):
                        time.sleep(max(0.0, started + number * 0.1 - time.perf_counter()))
                        stream.accept(pcm[at : at + BLOCK])
                    stream.finish()
                    lags.append((time.perf_counter() - started - len(pcm) / BYTES_PER_SECOND) * 1000)
                break
            except VoiceBusyError:
                time.sleep(0.05)


def print_soak(folder: Path, recordings: list[bytes], minutes: float) -> None:
    """Hostile clients for a while, and what is left of them."""
    server = Server(folder)
    counts: dict[str, int] = {}
    try:
        if not eventually(server.is_ready, START_SECONDS):
            raise RuntimeError(server.log.read_text())
        address = f"ws://127.0.0.1:{server.port}/api/v1/voice/stream"
        _visit(address, recordings[0], "speaks", counts)
        worker = max(descendants(server.process.pid), key=resident_mib)
        table = Table(title=f"{describe()}; hostile clients, four at a time")
        for column in ("minute", "worker MiB", "threads", "open files", "clients so far"):
            table.add_column(column, justify="right")
        stop = threading.Event()
        threads = [
            threading.Thread(target=_pester, args=(address, recordings, number, stop, counts)) for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for step in range(int(minutes * 2) + 1):
            table.add_row(f"{step / 2:.1f}", *_state(worker), str(sum(counts.values())))
            time.sleep(30)
        stop.set()
        for thread in threads:
            thread.join()
        time.sleep(15)
        table.add_row("quiet", *_state(worker), str(sum(counts.values())))
        _visit(address, recordings[0], "speaks", counts)
        Console(width=120).print(table)
        Console(width=120).print(json.dumps(counts, ensure_ascii=False))
    finally:
        server.stop()


def _state(worker: int) -> tuple[str, str, str]:
    tasks = len(list(Path(f"/proc/{worker}/task").iterdir()))
    files = len(list(Path(f"/proc/{worker}/fd").iterdir()))
    return f"{resident_mib(worker):.0f}", str(tasks), str(files)


HABITS = ("speaks", "garbage", "stalls", "vanishes", "floods", "cancels")


def _pester(address: str, recordings: list[bytes], number: int, stop: threading.Event, counts: dict[str, int]) -> None:
    chance = random.Random(number)
    while not stop.is_set():
        _visit(address, chance.choice(recordings), chance.choice(HABITS), counts)


def _visit(address: str, pcm: bytes, habit: str, counts: dict[str, int]) -> None:
    """One client with a habit; what became of it is counted."""
    outcome = "gone"
    with contextlib.suppress(ConnectionClosed, OSError):
        client = Client.connect(address)
        try:
            kind = _next(client, ("ready", "error")).get("type", "gone")
            if kind == "error":
                outcome = "busy"
                time.sleep(0.2)
                return
            match habit:
                case "garbage":
                    client.send(random.Random(len(pcm)).randbytes(20_001))
                    client.send("{garbage")
                case "stalls":
                    client.send(pcm[:BLOCK])
                    time.sleep(1)
                case "vanishes":
                    client.send(pcm[: 5 * BLOCK])
                    client.sock.shutdown(2)
                    return
                case "floods":
                    for _time in range(500):
                        client.send(pcm[:BLOCK])
                case "cancels":
                    client.send('{"type": "cancel"}')
                    return
                case _:
                    for at in range(0, len(pcm), BLOCK):
                        client.send(pcm[at : at + BLOCK])
            client.send('{"type": "stop"}')
            outcome = _next(client, ("heard", "error")).get("type", "gone")
        finally:
            counts[f"{habit}: {outcome}"] = counts.get(f"{habit}: {outcome}", 0) + 1
            with contextlib.suppress(ConnectionClosed, OSError):
                client.close()


def _next(client: Client, kinds: tuple[str, ...]) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        message = client.receive(timeout=_WAIT_SECONDS)
        if message is None:
            break
        value: dict[str, Any] = json.loads(message)
        if value["type"] in kinds:
            return value
    return {}


if __name__ == "__main__":
    main()
