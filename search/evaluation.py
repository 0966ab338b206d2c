"""How good is the search? Judged queries against what is shown, in the field's measures (arithmetic by ir-measures).

A judgement line: {"query": "...", "division": "230102" or null, "applicant": null, "kind": "typo",
"relevant": {"ITEM_OR_GUIDE_CODE": 1..3}}. Grade 3 is the answer, 2 answers as well, 1 is related. A query with no right
answer has an empty "relevant" and must not be answered with confidence: what is shown for it must stand under "nothing
fits" (``relaxed``), not among the results.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from search.request import InvalidRequestError, SearchRequest
from search.results import SearchResponse

DEPTH: Final = 10
ANSWERS: Final = 2
"""From this grade on a result answers; success and MRR count these. nDCG counts every grade."""
_MISS_AT: Final = 3


class Judgement(BaseModel):
    """One judged query. ``relevant`` maps codes of items or guides to grades."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str = Field(min_length=1)
    division: str | None = None
    applicant: str | None = None
    kind: str = "any"
    relevant: dict[str, int]


class InvalidJudgementsError(Exception):
    """A file of judgements can't be read. The message names the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A query whose answer was not among the first three: what was shown instead, and what was wanted."""

    query: str
    kind: str
    shown: list[str]
    wanted: list[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """The measures over some queries. ``unsure``: the share of answerable queries that were shown guesses only;
    ``wrong_confident``: of unanswerable ones, those shown results. None where there were no such queries."""

    queries: int
    success_1: float | None
    success_3: float | None
    mrr: float | None
    ndcg_10: float | None
    unsure: float | None
    wrong_confident: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found."""

    overall: Figures
    by_kind: dict[str, Figures]
    misses: list[Miss]


def load(path: Path) -> list[Judgement]:
    """The judgements of a JSON Lines file, or InvalidJudgementsError."""
    found: list[Judgement] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(Judgement.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "整行"
            raise InvalidJudgementsError(f"{path.name} 第 {number} 行 {where}：{first['msg']}") from None
    if not found:
        raise InvalidJudgementsError(f"{path.name} 里没有判断。每行一个 JSON 对象，例如：{_EXAMPLE}")
    return found


_EXAMPLE: Final = '{"query": "身份证丢了", "division": null, "relevant": {"232100100100": 3}}'


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was shown for a query, in order: (item code, guide code, title); as results or as guesses."""

    shown: list[tuple[str, str, str]]
    is_confident: bool


def shown_by(search: Callable[[SearchRequest], SearchResponse], judgement: Judgement) -> Ranked:
    """Ask, as the page does."""
    request = SearchRequest(
        text=judgement.query, division=judgement.division, applicant=judgement.applicant, size=DEPTH
    )
    return ranked(search, request)


def ranked(search: Callable[[SearchRequest], SearchResponse], request: SearchRequest) -> Ranked:
    """What a search shows, in order; nothing where it refuses."""
    try:
        response = search(request)
    except InvalidRequestError:
        return Ranked([], is_confident=False)
    results = response.results or [result for relaxed in response.relaxed for result in relaxed.results]
    return Ranked([(r.item_code, r.code, r.title) for r in results], is_confident=bool(response.results))


def evaluate(judgements: Sequence[Judgement], ask: Callable[[Judgement], Ranked]) -> Report:
    """Ask every query and measure. ``ask`` may be any way of searching: the product, or a baseline beside it."""
    answers = [ask(judgement) for judgement in judgements]
    values = _measures(judgements, answers)
    by_kind: dict[str, list[int]] = defaultdict(list)
    for number, judgement in enumerate(judgements):
        by_kind[judgement.kind].append(number)
    misses = [
        _miss(judgement, answer)
        for number, (judgement, answer) in enumerate(zip(judgements, answers, strict=True))
        if (not judgement.relevant and answer.is_confident) or (judgement.relevant and not values[number]["s3"])
    ]
    return Report(
        overall=_figures(range(len(judgements)), judgements, answers, values),
        by_kind={kind: _figures(numbers, judgements, answers, values) for kind, numbers in sorted(by_kind.items())},
        misses=misses,
    )


def _measures(judgements: Sequence[Judgement], answers: Sequence[Ranked]) -> dict[int, dict[str, float]]:
    """Number of the query -> its measures; a query with no right answer has none."""
    import ir_measures  # scipy comes with it; only evaluation needs them

    names: dict[Any, str] = {
        ir_measures.Success(rel=ANSWERS) @ 1: "s1",
        ir_measures.Success(rel=ANSWERS) @ _MISS_AT: "s3",
        ir_measures.RR(rel=ANSWERS) @ DEPTH: "rr",
        ir_measures.nDCG @ DEPTH: "ndcg",
    }
    qrels = [
        ir_measures.Qrel(str(number), code, grade)
        for number, judgement in enumerate(judgements)
        for code, grade in judgement.relevant.items()
    ]
    run = [
        ir_measures.ScoredDoc(str(number), code, float(-rank))
        for number, (judgement, answer) in enumerate(zip(judgements, answers, strict=True))
        for rank, code in enumerate(_judged_codes(judgement, answer))
    ]
    values: dict[int, dict[str, float]] = {
        number: dict.fromkeys(names.values(), 0.0) for number, j in enumerate(judgements) if j.relevant
    }
    for measured in ir_measures.iter_calc(list(names), qrels, run):
        values[int(measured.query_id)][names[measured.measure]] = float(measured.value)
    return values


def _judged_codes(judgement: Judgement, answer: Ranked) -> list[str]:
    """The codes shown, each once: a guide's where the judgement names the guide, else its item's."""
    return list(dict.fromkeys(guide if guide in judgement.relevant else item for item, guide, _title in answer.shown))


def _figures(
    numbers: Iterable[int],
    judgements: Sequence[Judgement],
    answers: Sequence[Ranked],
    values: dict[int, dict[str, float]],
) -> Figures:
    numbers = list(numbers)
    answerable = [number for number in numbers if judgements[number].relevant]
    unanswerable = [number for number in numbers if not judgements[number].relevant]

    def mean(name: str) -> float | None:
        return _mean([values[number][name] for number in answerable])

    return Figures(
        queries=len(numbers),
        success_1=mean("s1"),
        success_3=mean("s3"),
        mrr=mean("rr"),
        ndcg_10=mean("ndcg"),
        unsure=_mean([float(not answers[number].is_confident) for number in answerable]),
        wrong_confident=_mean([float(answers[number].is_confident) for number in unanswerable]),
    )


def _mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _miss(judgement: Judgement, answer: Ranked) -> Miss:
    titles = [title for _item, _guide, title in answer.shown[:_MISS_AT]]
    wanted = [code for code, grade in judgement.relevant.items() if grade >= ANSWERS]
    return Miss(judgement.query, judgement.kind, titles, wanted)
