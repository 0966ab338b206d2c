"""One query, answered by one engine: understand, rank, filter, count, and say what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from guides.vocabulary import APPLICANT_GROUP_LABELS, LEVEL_LABELS
from indexer.analysis import Analyzer
from indexer.lexicon import Lexicon
from indexer.serving import service_key
from search import answer, highlight, ranking
from search.confidence import Elsewhere, is_sure
from search.engines.base import Constant, Engine, EngineRequest, EngineResponse, Filters, Hit, Sort
from search.places import DepartmentFilter, Places
from search.request import SearchRequest, last_page, nothing_readable, page_past_end
from search.reranking import WINDOW, Asked, Fit, Reranker
from search.results import FacetValue, Relaxed, SearchResponse, SearchResult, ShownChip, UnderstoodView
from search.suggest import Suggester
from search.understanding import Chip, Understanding, Understood
from search.weighing import Weighing

FACET_FIELDS: Final = {
    "department": "sector",
    "applicant": "applicant",
    "theme": "theme",
    "online": "online",
    "level": "level",
}
"""Name of a facet in requests -> keyword field of the document."""

_ONLINE_LABELS: Final = {"yes": "可网上办", "no": "窗口办理"}
_RELAX_ORDER: Final = ("theme", "online", "level", "applicant", "department")
_RELAXED_SHOWN: Final = 5
_GUESSES_SHOWN: Final = 10
_LIKELY_ENOUGH: Final = 0.3
"""Where what was asked is no business of the government, a guess must fit at least so well to be shown."""
_SUGGESTIONS_SHOWN: Final = 4
_ANSWERED_BY_ANCHOR: Final = {
    "materials": "materials",
    "fee": "fees",
    "time": "limits",
    "place": "places",
    "phone": "places",
    "condition": "conditions",
    "progress": "steps",
}


@dataclass(frozen=True)
class Language:
    """Everything made from one lexicon; the suggester from ``uses`` (item code -> openings) as well."""

    lexicon: Lexicon
    themes: dict[str, str]
    analyzer: Analyzer
    weighing: Weighing
    reranker: Reranker
    elsewhere: Elsewhere
    best_bets: dict[str, list[str]]
    places: Places
    understanding: Understanding
    uses: Mapping[str, int]
    suggester: Suggester


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request as it will be asked: the words, the filters by name, and where they came from."""

    request: SearchRequest
    understood: Understood
    division: str
    department: DepartmentFilter | None
    chips: list[ShownChip]

    def filters(self) -> dict[str, tuple[str, ...]]:
        """Facet name -> values, for every filter but the division."""
        found: dict[str, tuple[str, ...]] = {}
        if self.department is not None:
            found["department"] = self.department.values
        for name in ("applicant", "theme", "level"):
            value = getattr(self.request, name)
            if value is not None:
                found[name] = (value,)
        if self.request.online is not None:
            found["online"] = ("yes" if self.request.online else "no",)
        return found

    def engine_filters(self, filters: dict[str, tuple[str, ...]]) -> Filters:
        """The same in the document's fields, with the division."""
        found: dict[str, tuple[str, ...]] = {"serves": (self.division,)}
        for name, values in filters.items():
            field = self.department.field if name == "department" and self.department else FACET_FIELDS[name]
            found[field] = values
        return found


class Answering:
    """One search on one engine."""

    def __init__(self, engine: Engine, language: Language, weights: ranking.Weights, *, degraded: bool) -> None:
        self.engine = engine
        self.language = language
        self._weights = weights
        self._degraded = degraded

    def answer(self, request: SearchRequest, started: float) -> SearchResponse:
        """The response; ``started`` is when the person began to wait."""
        language = self.language
        plan = self._plan(request, language)
        words = self._words(plan, language)
        if words.clause is None and request.text and not plan.chips:
            raise nothing_readable()
        filters = plan.filters()
        offset = (request.page - 1) * request.size
        everything = self._ask(plan, words, filters, offset, request.size, facets=True)
        asked = self._asked(plan, words)
        response, fits = self._compared(everything.closer or everything, asked, offset, request.size)
        if words.is_asking and self._is_poor(response, fits):
            # No name fits well: whoever tells a story names the thing once, perhaps in words of the running text.
            more, others = self._compared(everything, asked, offset, request.size)
            if _best(others) > _best(fits) or response.total < self._weights.names_enough:
                response, fits = more, others
        advice = language.elsewhere.advice(plan.understood.folded)
        guesses: list[Relaxed] = []
        if (
            words.is_asking
            and response.total
            and fits is not None
            and not is_sure(fits, words.spelled, language.weighing, self._weights, elsewhere=advice is not None)
        ):
            # What is only near must not look like an answer: it is shown apart, under a sentence that says so.
            marks = _marks(words.tokens, plan.understood.text, language.analyzer)
            least = 0.0 if advice is None else _LIKELY_ENOUGH
            near = [replace(fit.hit, score=fit.score) for fit in fits[:_GUESSES_SHOWN] if fit.fit >= least]
            results = self._results(replace(response, hits=near), plan, marks, language)
            guesses = [Relaxed([], [], True, response.total, results)] if near else []
            response = replace(response, hits=[], total=0, facets={})
        if request.page > 1 and not response.hits:
            raise page_past_end(last_page(response.total, request.size))
        if not (response.total or guesses or advice is not None):
            guesses = self._relaxed(plan, words, language, filters)
        highlights = _marks(words.tokens, plan.understood.text, language.analyzer)
        return SearchResponse(
            query=request.text,
            understood=UnderstoodView(
                text=plan.understood.text,
                unfiltered=plan.understood.without(*(c for c in plan.understood.chips if c.kind != "aspect")),
                division=None if plan.division == language.places.root else plan.division,
                department=plan.department.label if plan.department else None,
                applicant=request.applicant or plan.request.applicant,
                aspect=plan.understood.value("aspect"),
                chips=plan.chips,
            ),
            total=response.total,
            page=request.page,
            size=request.size,
            engine=self.engine.name,
            degraded=self._degraded,
            took_ms=round((time.perf_counter() - started) * 1000, 2),
            engine_ms=round(response.took_ms, 2),
            results=self._results(response, plan, highlights, language),
            facets=_facets(response, plan, filters, language),
            suggestions=self._similar(plan, response, fits, language),
            relaxed=guesses,
            advice=advice if not response.total else None,
        )

    def _is_poor(self, response: EngineResponse, fits: list[Fit] | None) -> bool:
        """Whether too little was found by name, or nothing of it fits well."""
        if fits is None:
            return response.total < self._weights.names_enough
        return response.total < self._weights.names_enough or _best(fits) < self._weights.fit_enough

    def _plan(self, request: SearchRequest, language: Language) -> _Plan:
        places = language.places
        understood = (
            Understood(request.text, request.text, ()) if request.literal else language.understanding.read(request.text)
        )
        chips: list[ShownChip] = []
        division = places.division(request.division) if request.division else None
        department = places.department(request.department) if request.department else None
        from_query = {chip.kind: chip for chip in understood.chips}
        if chip := from_query.get("division"):
            # What is said now outweighs where the person said they live.
            division = places.tree.by_code[chip.value]
            chips.append(_shown(chip, understood))
        elif division is not None and division.code != places.root:
            chips.append(ShownChip("division", division.code, division.name, None, request.text))
        if (chip := from_query.get("department")) and department is None:
            department = places.department(chip.value)
            chips.append(_shown(chip, understood))
        elif department is not None:
            chips.append(ShownChip("department", request.department or "", department.label, None, request.text))
        if (chip := from_query.get("applicant")) and request.applicant is None:
            request = replace(request, applicant=chip.value)
            chips.append(_shown(chip, understood))
        elif request.applicant is not None:
            label = APPLICANT_GROUP_LABELS[request.applicant]  # type: ignore[index]
            chips.append(ShownChip("applicant", request.applicant, label, None, request.text))
        if chip := from_query.get("aspect"):
            chips.append(_shown(chip, understood))
        if request.theme is not None:
            label = language.themes.get(request.theme, request.theme)
            chips.append(ShownChip("theme", request.theme, label, None, request.text))
        if request.level is not None:
            label = LEVEL_LABELS[request.level]  # type: ignore[index]
            chips.append(ShownChip("level", request.level, label, None, request.text))
        if request.online is not None:
            value = "yes" if request.online else "no"
            chips.append(ShownChip("online", value, _ONLINE_LABELS[value], None, request.text))
        return _Plan(request, understood, division.code if division else places.root, department, chips)

    def _words(self, plan: _Plan, language: Language) -> ranking.Words:
        whole = plan.understood.folded
        for chip in plan.understood.chips:
            if chip.kind == "division":
                whole = plan.understood.without(chip)
        text, all_of = plan.understood.text, None
        department = next((chip for chip in plan.understood.chips if chip.kind == "department"), None)
        if not text and department is not None:
            # 公证处 says whom one asks and what about: all that the department does, by how much it has to do with it.
            text = whole = department.words
            all_of = Constant("serves", plan.division, 0.0)
        return ranking.build(
            text,
            whole,
            language.analyzer,
            language.weighing,
            self._weights,
            best_bets=language.best_bets,
            all_of=all_of,
        )

    def _ask(
        self,
        plan: _Plan,
        words: ranking.Words,
        filters: dict[str, tuple[str, ...]],
        offset: int,
        limit: int,
        *,
        facets: bool = False,
    ) -> EngineResponse:
        """What the engine finds; all that may have to be compared for the page, where results are compared."""
        if _is_compared(plan, words):
            offset, limit = 0, max(WINDOW, offset + limit)
        counted: dict[str, Filters] = {}
        if facets:
            for name, field in FACET_FIELDS.items():
                others = {key: values for key, values in filters.items() if key != name}
                counted[field] = plan.engine_filters(others)
        sort: Sort = plan.request.sort  # type: ignore[assignment]
        return self.engine.search(
            EngineRequest(words.clause, plan.engine_filters(filters), counted, sort, offset, limit, words.names)
        )

    def _compared(
        self, response: EngineResponse, asked: Asked | None, offset: int, limit: int
    ) -> tuple[EngineResponse, list[Fit] | None]:
        """A page of the engine's answer, and its first results compared once more, unless nothing is (None)."""
        if asked is None:
            return response, None
        fits = self.language.reranker.rank(response.hits[:WINDOW], asked)
        page = slice(offset, offset + limit)
        placed: Sequence[Fit | Hit] = [*fits, *response.hits[WINDOW:]]
        hits = [replace(each.hit, score=each.score) if isinstance(each, Fit) else each for each in placed[page]]
        return replace(response, hits=hits), fits

    def _asked(self, plan: _Plan, words: ranking.Words) -> Asked | None:
        """What candidates are compared with, None where they are not."""
        return Asked.of(words.spelled, self._weights) if _is_compared(plan, words) else None

    def _relaxed(
        self, plan: _Plan, words: ranking.Words, language: Language, filters: dict[str, tuple[str, ...]]
    ) -> list[Relaxed]:
        """The first step that finds something: without one filter, without more and more of them, with any one of the
        words anywhere in a guide, and in the whole city."""
        labels = {chip.kind: chip.label for chip in plan.chips}
        present: list[str] = [name for name in _RELAX_ORDER if name in filters]
        drops = [[name] for name in present] + [present[: count + 1] for count in range(1, len(present))]
        steps: list[tuple[list[str], bool, _Plan, dict[str, tuple[str, ...]]]] = [
            (drop, False, plan, {name: values for name, values in filters.items() if name not in drop})
            for drop in drops
        ]
        steps.append((present, True, plan, {}))
        if plan.division != language.places.root:
            city = replace(plan, division=language.places.root)
            steps.append(([*present, "division"], True, city, {}))
        for names, is_lenient, step, step_filters in steps:
            # Other filters, but the same words; only in another place they are others.
            words = words if step is plan else self._words(step, language)
            everything = self._ask(step, words, step_filters, 0, _RELAXED_SHOWN)
            chosen = everything if is_lenient else everything.closer or everything
            response, _fits = self._compared(chosen, self._asked(step, words), 0, _RELAXED_SHOWN)
            if response.total:
                marks = _marks(words.tokens, step.understood.text, language.analyzer)
                results = self._results(response, step, marks, language)
                shown = [labels.get(name, name) for name in names]
                return [Relaxed(names, shown, is_lenient, response.total, results)]
        return []

    def _similar(
        self, plan: _Plan, response: EngineResponse, fits: Sequence[Fit] | None, language: Language
    ) -> list[str]:
        """您是不是要找: names that sound as the query does; when there is nothing at all, names that begin alike."""
        heard = [fit.text for fit in (fits or [])[:_SUGGESTIONS_SHOWN] if fit.is_heard]
        if heard or response.total or not plan.understood.text:
            return list(dict.fromkeys(heard))
        return [s.text for s in language.suggester.suggest(plan.understood.text, _SUGGESTIONS_SHOWN)]

    def _results(
        self, response: EngineResponse, plan: _Plan, tokens: list[str], language: Language
    ) -> list[SearchResult]:
        return [_result(hit.card, hit.score, plan, tokens, language) for hit in response.hits]


def _result(card: dict[str, Any], score: float, plan: _Plan, tokens: list[str], language: Language) -> SearchResult:
    own = language.places.tree.ancestors(plan.division)
    # A guide of a place that is neither the person's nor above it only stands for those below.
    asks = card["division"]["code"] not in own
    aspect = plan.understood.value("aspect")
    anchor = f"#{_ANSWERED_BY_ANCHOR[aspect]}" if aspect else ""
    if asks:
        url = f"/items/{service_key(card['code'], card['item_code'])}?division={plan.division}"
    else:
        url = f"/guides/{card['code']}"
    return SearchResult(
        code=card["code"],
        item_code=card["item_code"],
        title=card["title"],
        division=card["division"]["code"],
        division_name=card["division"]["name"],
        department=card["department"]["name"],
        applicants=card["applicants"],
        summary=card["summary"],
        answer=answer.answer(card, aspect),
        facts={
            "limit": answer.limit_text(card),
            "visits": answer.visits_text(card),
            "fee": answer.fee_text(card),
            "online": answer.online_text(card),
        },
        highlights={name: highlight.spans(card[name], tokens) for name in ("title", "summary")},
        score=round(score, 4),
        url=url + anchor,
        asks_division=asks,
        revised_on=card["revised_on"],
    )


def _is_compared(plan: _Plan, words: ranking.Words) -> bool:
    """Sorted otherwise than by relevance, what fits badly would come first as easily: then only names count."""
    return words.clause is not None and plan.request.sort == "relevance"


def _best(fits: Sequence[Fit] | None) -> float:
    """How well the best of the candidates fits."""
    return max((fit.fit for fit in fits or ()), default=0.0)


def _shown(chip: Chip, understood: Understood) -> ShownChip:
    return ShownChip(chip.kind, chip.value, chip.label, chip.words, understood.without(chip))


def _marks(tokens: tuple[str, ...], text: str, analyzer: Analyzer) -> list[str]:
    """What to mark: the words, their parts of two and more characters, and the whole."""
    parts = {part for token in tokens for part in analyzer.index_tokens(token).split()}
    return [mark for mark in {text, *tokens, *parts} if len(mark) > 1]


def _facets(
    response: EngineResponse, plan: _Plan, filters: dict[str, tuple[str, ...]], language: Language
) -> dict[str, list[FacetValue]]:
    themes = language.themes
    labels: dict[str, Callable[[str], str]] = {
        "department": lambda value: value,
        "applicant": lambda value: APPLICANT_GROUP_LABELS[value],  # type: ignore[index]
        "theme": lambda value: themes.get(value, value),
        "online": lambda value: _ONLINE_LABELS[value],
        "level": lambda value: LEVEL_LABELS[value],  # type: ignore[index]
    }
    found: dict[str, list[FacetValue]] = {}
    for name, field in FACET_FIELDS.items():
        counts = response.facets.get(field, {})
        label = labels[name]
        if name == "theme":
            audience = plan.request.applicant
            if audience:
                counts = {v: n for v, n in counts.items() if v.startswith(audience)}
            else:
                # 设立变更 is a theme of both; beside each other they must be told apart.
                label = _theme_with_audience(themes)
        selected = set(filters.get(name, ()))
        found[name] = [
            FacetValue(value, label(value), count, value in selected)
            for value, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ]
    return found


def _theme_with_audience(themes: dict[str, str]) -> Callable[[str], str]:
    def label(value: str) -> str:
        audience = APPLICANT_GROUP_LABELS[value.partition("/")[0]]  # type: ignore[index]
        return f"{themes.get(value, value)}（{audience}）"

    return label
