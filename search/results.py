"""What a search answers, and its JSON form (the contract of the API and of ``banshi search --json``)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from search.highlight import Span


@dataclass(frozen=True, slots=True)
class ShownChip:
    """A filter at work. ``words`` are those of the query it came from, None for one chosen by hand; ``without`` is the
    query to ask for to take it off (then the filter parameter of this kind goes as well)."""

    kind: str
    value: str
    label: str
    words: str | None
    without: str


@dataclass(frozen=True, slots=True)
class UnderstoodView:
    """How the query was read. ``text`` is what is matched; ``unfiltered`` is the query without the words of its
    filters, for whoever sends the filters by themselves; ``division`` is a code, ``department`` a name."""

    text: str
    unfiltered: str
    division: str | None
    department: str | None
    applicant: str | None
    aspect: str | None
    chips: list[ShownChip]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One service found. ``asks_division`` says that it is handled only further down, so the district must be chosen;
    ``highlights`` are (start, end) pairs of characters to mark, by field."""

    code: str
    item_code: str
    title: str
    division: str
    division_name: str
    department: str
    applicants: list[str]
    summary: str
    answer: str | None
    facts: dict[str, str]
    highlights: dict[str, list[Span]]
    score: float
    url: str
    asks_division: bool
    revised_on: str


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet, counted without the facet's own filter."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Relaxed:
    """What there is without some of the filters, when there is nothing with them."""

    dropped: list[str]
    labels: list[str]
    lenient: bool
    total: int
    results: list[SearchResult]


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """The whole answer."""

    query: str
    understood: UnderstoodView
    total: int
    page: int
    size: int
    engine: str
    degraded: bool
    took_ms: float
    engine_ms: float
    results: list[SearchResult]
    facets: dict[str, list[FacetValue]]
    suggestions: list[str]
    relaxed: list[Relaxed]
    advice: str | None
    """Where to turn with what no government service answers (perhaps empty); None for everything else."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)
