"""Listening: one model a process, one recognizer a stream, and a limit on how many may speak at once."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import vosk

from indexer.analysis import Analyzer
from indexer.lexicon import Lexicon
from search.request import MAX_HYPOTHESES, Hypothesis
from voice import biasing
from voice.audio import MAX_SECONDS, AudioLimits, decode
from voice.corrections import corrected
from voice.model_store import ModelError, ModelInfo
from voice.sound import BYTES_PER_SECOND, RATE, Condition, SoundMeter
from voice.vocabulary import Vocabulary

vosk.SetLogLevel(-10)

_STOPPED_SECONDS: Final = 0.9
"""Whoever pauses so long after speaking has finished. Shorter cuts people off who think of the next word."""
_HARDLY_SPOKE_SECONDS: Final = 0.15
_NOTHING_SECONDS: Final = 6.0
"""So long is waited for a first word."""
_LEAST_WEIGHT: Final = 1e-4
_BLOCK_BYTES: Final = BYTES_PER_SECOND // 5
"""Recordings are heard in blocks as a stream is, so that both give the same words."""
_UNKNOWN: Final = "[unk]"


class VoiceBusyError(Exception):
    """As many people speak at the moment as the machine can listen to."""

    code = "voice_busy"

    def __init__(self) -> None:
        super().__init__("现在用语音的人多，请过几秒再说一次，或者直接打字。")


@dataclass(frozen=True, slots=True)
class Progress:
    """While somebody speaks: the words so far, how loud it is (0 to 1), and whether the query is over."""

    partial: str
    level: float
    is_over: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard: readings with weights, the likeliest first, none where nothing was understood. ``condition`` and
    ``clipped`` tell why (see sound.py); ``seconds`` is the length of the sound."""

    hypotheses: tuple[Hypothesis, ...]
    condition: Condition
    clipped: bool
    seconds: float

    @property
    def text(self) -> str:
        """The likeliest reading, empty where there is none."""
        return self.hypotheses[0].text if self.hypotheses else ""

    @property
    def advice(self) -> str | None:
        """What to tell a person who was not understood; None where something was."""
        return None if self.hypotheses else _ADVICE["clipped" if self.clipped else self.condition]


_ADVICE: Final = {
    "silence": "没有听到声音。请检查话筒是不是静音了，再说一次。",
    "quiet": "声音太小，没有听清。请靠近话筒，大声一点再说一次。",
    "noise": "只听到杂音。请到安静一点的地方，靠近话筒再说一次。",
    "clipped": "声音太大，听不清。请离话筒远一点，再说一次。",
    "speech": "没有听懂。请慢一点，只说要办的事，例如“身份证丢了”。",
}


class Stream:
    """One person speaking one query. Not for several threads at once."""

    def __init__(self, recognizer: vosk.KaldiRecognizer, max_seconds: float) -> None:
        self._recognizer = recognizer
        self._recognizer.SetMaxAlternatives(MAX_HYPOTHESES)
        self._meter = SoundMeter()
        self._max_bytes = int(max_seconds * RATE) * 2
        self._bytes = 0
        self._half = b""

    def accept(self, pcm: bytes) -> Progress:
        """Take signed 16-bit mono PCM at 16 kHz, of any length; what goes over the longest time is dropped."""
        pcm = (self._half + pcm)[: self._max_bytes - self._bytes]
        whole = len(pcm) - len(pcm) % 2
        self._half, pcm = pcm[whole:], pcm[:whole]
        self._bytes += len(pcm)
        level = self._meter.accept(pcm)
        if pcm:
            # Vosk's own end of an utterance is ignored: a pause inside a query must not cut it in two.
            self._recognizer.AcceptWaveform(pcm)
        # Before the first sound there is no such field.
        partial = _joined(json.loads(self._recognizer.PartialResult()).get("partial", ""))
        return Progress(partial, level, self._is_over(partial))

    def finish(self) -> Heard:
        """What was heard in all. The stream takes nothing after it."""
        alternatives = json.loads(self._recognizer.FinalResult()).get("alternatives", [])
        sound = self._meter.sound()
        return Heard(
            hypotheses=_hypotheses(alternatives) if sound.has_speech else (),
            condition=sound.condition,
            clipped=sound.clipped,
            seconds=self._bytes / BYTES_PER_SECOND,
        )

    def _is_over(self, partial: str) -> bool:
        if self._bytes >= self._max_bytes:
            return True
        if partial and self._meter.speech_seconds >= _HARDLY_SPOKE_SECONDS:
            return self._meter.trailing_silence_seconds >= _STOPPED_SECONDS
        return not partial and self._meter.trailing_silence_seconds >= _NOTHING_SECONDS


class VoiceService:
    """Listens with one model, biased by the catalogue. Safe for threads; the model is loaded when first needed.

    ``find_model`` names the model to load; ``words`` gives the lexicon and analyzer of the index that answers now, and
    is asked at every query, so that new items are heard as soon as they are found.
    """

    rate = RATE

    def __init__(
        self,
        find_model: Callable[[], ModelInfo],
        words: Callable[[], tuple[Lexicon, Analyzer]],
        *,
        streams: int,
        seconds: float = MAX_SECONDS,
        is_biased: bool = True,
    ) -> None:
        self.seconds = seconds
        self._find_model = find_model
        self._words = words
        self._is_biased = is_biased
        self._places = threading.BoundedSemaphore(streams)
        self._lock = threading.Lock()
        self._model: vosk.Model | None = None
        self._vocabulary: Vocabulary | None = None
        self._grammar: tuple[Lexicon, str] | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory, so that the next query begins at once."""
        return self._model is not None

    @contextlib.contextmanager
    def open(self) -> Iterator[Stream]:
        """A stream for one query. Raises VoiceBusyError, ModelError."""
        if not self._places.acquire(blocking=False):
            raise VoiceBusyError
        try:
            yield Stream(self._recognizer(), self.seconds)
        finally:
            self._places.release()

    def hear(self, data: bytes) -> Heard:
        """A whole recording in any format that people send. Raises AudioError, VoiceBusyError, ModelError."""
        audio = decode(data, AudioLimits(seconds=self.seconds))
        with self.open() as stream:
            for start in range(0, len(audio.pcm), _BLOCK_BYTES):
                stream.accept(audio.pcm[start : start + _BLOCK_BYTES])
            return stream.finish()

    def _recognizer(self) -> vosk.KaldiRecognizer:
        with self._lock:
            if self._model is None:
                info = self._find_model()
                try:
                    self._model = vosk.Model(str(info.folder))
                except Exception as error:
                    # Vosk raises plain Exception; the reason went to standard error.
                    raise ModelError("model_broken", f"语音模型 {info.name} 装不进来。请换一个模型。") from error
                if info.takes_grammar and self._is_biased:
                    self._vocabulary = Vocabulary.read(info.word_table)
            grammar = self._grammar_now()
        if grammar is None:
            return vosk.KaldiRecognizer(self._model, RATE)
        return vosk.KaldiRecognizer(self._model, RATE, grammar)

    def _grammar_now(self) -> str | None:
        """The grammar of the words that the index has now; made anew when they change (half a second)."""
        if self._vocabulary is None:
            return None
        lexicon, analyzer = self._words()
        if self._grammar is None or self._grammar[0] is not lexicon:
            self._grammar = (lexicon, biasing.grammar(lexicon, analyzer, self._vocabulary))
        return self._grammar[1]


def _joined(words: str) -> str:
    """Without the blanks between words and without what is none."""
    return "".join(word for word in words.split() if word != _UNKNOWN)


def _hypotheses(alternatives: list[dict[str, object]]) -> tuple[Hypothesis, ...]:
    """Readings with weights relative to the likeliest; those that are the same once joined are one."""
    found: dict[str, float] = {}
    best = None
    for alternative in alternatives:
        text = corrected(_joined(str(alternative["text"])))
        confidence = float(alternative["confidence"])  # type: ignore[arg-type]
        if text and text not in found:
            best = confidence if best is None else best
            found[text] = max(_LEAST_WEIGHT, min(1.0, math.exp(confidence - best)))
    return tuple(Hypothesis(text, weight) for text, weight in found.items())
