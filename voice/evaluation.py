"""How well is it heard, and found? Recordings with what was said, and with judged answers where there are some.

A line of a manifest is a judgement (search/evaluation.py) with ``audio``, a file beside the manifest. ``relevant`` may
be left out; then only the hearing is measured. Error rates are edits over the length of what was said, in characters
and in syllables without tones: a wrong character that sounds right is no error to a search that matches by sound.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rapidfuzz.distance import Levenshtein

from indexer.folding import fold, is_han
from indexer.pinyin import syllables
from search.evaluation import DEPTH, Judgement, Ranked, evaluate, ranked
from search.request import Hypothesis, SearchRequest
from search.results import SearchResponse
from voice.audio import decode
from voice.listening import VoiceService
from voice.sound import BYTES_PER_SECOND

_BLOCK: Final = BYTES_PER_SECOND // 10
Search = Callable[[SearchRequest], SearchResponse]


class InvalidManifestError(Exception):
    """A manifest can't be read. The message names the line and what is wrong."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    audio: str
    query: str = Field(min_length=1)
    division: str | None = None
    applicant: str | None = None
    kind: str = "any"
    relevant: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """One recording: where it is, what was said, and what answers it (None where that was not judged)."""

    audio: Path
    query: str
    kind: str
    judgement: Judgement | None


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one way of listening and searching. Error rates are shares; times in seconds; ``real_time_factor`` is
    time to hear over length of sound; ``answer_seconds_95`` is from the last block to the results. Success is None
    where nothing was judged."""

    model: str
    biased: bool
    readings: str
    recordings: int
    seconds: float
    character_errors: float
    syllable_errors: float
    real_time_factor: float
    success_1: float | None
    success_3: float | None
    answer_seconds_50: float
    answer_seconds_95: float


def load(path: Path) -> list[Spoken]:
    """The recordings of a manifest, or InvalidManifestError."""
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = _Line.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "整行"
            raise InvalidManifestError(f"{path.name} 第 {number} 行 {where}：{first['msg']}") from None
        audio = path.parent / line.audio
        if not audio.is_file():
            raise InvalidManifestError(f"{path.name} 第 {number} 行：没有文件 {line.audio}。")
        judgement = None
        if line.relevant is not None:
            judgement = Judgement(
                query=line.query,
                division=line.division,
                applicant=line.applicant,
                kind=line.kind,
                relevant=line.relevant,
            )
        found.append(Spoken(audio, line.query, line.kind, judgement))
    if not found:
        raise InvalidManifestError(
            f'{path.name} 里没有录音。每行一个 JSON 对象，例如：{{"audio": "1.wav", "query": "身份证丢了"}}'
        )
    return found


@dataclass(frozen=True, slots=True)
class _Hearing:
    """A recording as it was heard; ``finish_seconds`` from its last block to the readings."""

    spoken: Spoken
    hypotheses: tuple[Hypothesis, ...]
    seconds: float
    work_seconds: float
    finish_seconds: float


def measure(
    spoken: Sequence[Spoken], voice: VoiceService, searches: Mapping[str, Search], *, model: str, is_biased: bool
) -> Iterator[Row]:
    """A row for every way of searching: with the first reading alone or with all, by each of ``searches``."""
    hearings = [_hear(each, voice) for each in spoken]
    for name, search in searches.items():
        for readings in (1, None):
            yield _row(hearings, search, readings, model=model, is_biased=is_biased, name=name)


def _hear(spoken: Spoken, voice: VoiceService) -> _Hearing:
    audio = decode(spoken.audio.read_bytes())
    with voice.open() as stream:
        started = time.perf_counter()
        for at in range(0, len(audio.pcm), _BLOCK):
            stream.accept(audio.pcm[at : at + _BLOCK])
        last = time.perf_counter()
        heard = stream.finish()
        ended = time.perf_counter()
    return _Hearing(spoken, heard.hypotheses, audio.seconds, ended - started, ended - last)


def _row(
    hearings: Sequence[_Hearing], search: Search, readings: int | None, *, model: str, is_biased: bool, name: str
) -> Row:
    waits: list[float] = []

    def ask(hearing: _Hearing, judgement: Judgement) -> Ranked:
        started = time.perf_counter()
        found = _ask(search, hearing.hypotheses[:readings], judgement)
        waits.append(hearing.finish_seconds + time.perf_counter() - started)
        return found

    judged = [(hearing, hearing.spoken.judgement) for hearing in hearings if hearing.spoken.judgement is not None]
    answers = iter([ask(hearing, judgement) for hearing, judgement in judged])
    figures = (
        evaluate([judgement for _hearing, judgement in judged], lambda _j: next(answers)).overall if judged else None
    )
    waits = sorted(waits or [hearing.finish_seconds for hearing in hearings])
    seconds = sum(hearing.seconds for hearing in hearings)
    said = [(_plain(h.spoken.query), _plain(h.hypotheses[0].text if h.hypotheses else "")) for h in hearings]
    return Row(
        model=model,
        biased=is_biased,
        readings=f"{'first' if readings else 'all'}, {name}",
        recordings=len(hearings),
        seconds=round(seconds, 1),
        character_errors=_error_rate([(list(wanted), list(got)) for wanted, got in said]),
        syllable_errors=_error_rate([(syllables(wanted), syllables(got)) for wanted, got in said]),
        real_time_factor=round(sum(hearing.work_seconds for hearing in hearings) / seconds, 3) if seconds else 0.0,
        success_1=figures.success_1 if figures else None,
        success_3=figures.success_3 if figures else None,
        answer_seconds_50=round(statistics.median(waits), 3),
        answer_seconds_95=round(waits[int(0.95 * (len(waits) - 1))], 3),
    )


def _ask(search: Search, hypotheses: tuple[Hypothesis, ...], judgement: Judgement) -> Ranked:
    if not hypotheses:
        return Ranked([], is_confident=False)
    return ranked(
        search,
        SearchRequest(
            text=hypotheses[0].text,
            division=judgement.division,
            applicant=judgement.applicant,
            size=DEPTH,
            heard=hypotheses,
        ),
    )


def _plain(text: str) -> str:
    """The Chinese characters alone, numerals as they are spoken."""
    return "".join(filter(is_han, text)) or fold(text)


def _error_rate(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> float:
    wanted = sum(len(pair[0]) for pair in pairs)
    return round(sum(Levenshtein.distance(*pair) for pair in pairs) / wanted, 4) if wanted else 0.0


def table(rows: Sequence[Row]) -> str:
    """The rows for people."""
    lines = ["biased  readings                CER    SER    RTF    s@1    s@3    answer p50/p95 (s)"]
    for row in rows:
        success = [f"{value:.3f}" if value is not None else "  -  " for value in (row.success_1, row.success_3)]
        lines.append(
            f"{'yes' if row.biased else 'no':6}  {row.readings:22}  {row.character_errors:.3f}  "
            f"{row.syllable_errors:.3f}  {row.real_time_factor:.3f}  {'  '.join(success)}  "
            f"{row.answer_seconds_50:.3f}/{row.answer_seconds_95:.3f}"
        )
    return "\n".join(lines)
