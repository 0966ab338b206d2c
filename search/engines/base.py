"""What every engine understands: a small language of clauses, a request, a response.

The room above builds clauses from a query and the weights; an engine turns them into its own terms. Both engines
hold the same fields (indexer.document.FIELDS) and score words by BM25, so they rank alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from indexer.lexicon import Lexicon


@dataclass(frozen=True, slots=True)
class Term:
    """Documents with this token in this field, scored by BM25 times ``boost``."""

    field: str
    token: str
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Phrase:
    """Documents with these tokens in a row in this field, scored by BM25 times ``boost``."""

    field: str
    tokens: tuple[str, ...]
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Constant:
    """Documents with this value in this keyword field, all with the same score."""

    field: str
    value: str
    score: float


@dataclass(frozen=True, slots=True)
class Best:
    """Documents that match any clause, scored by the best one plus ``tie`` times the others."""

    clauses: tuple[Clause, ...]
    tie: float = 0.0


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Documents that match at least ``minimum`` clauses, scored by their sum."""

    clauses: tuple[Clause, ...]
    minimum: int = 1


@dataclass(frozen=True, slots=True)
class Both:
    """Documents that match ``required``; those that match ``optional`` as well score higher by it."""

    required: Clause
    optional: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Unscored:
    """Documents that match the clause, all with the score 0."""

    clause: Clause


Clause = Term | Phrase | Constant | Best | AnyOf | Both | Unscored

Sort = Literal["relevance", "visits", "limit"]
Filters = Mapping[str, Sequence[str]]
"""Keyword field -> values, any of which will do. Different fields must all agree."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """One search. ``query`` None asks for everything that the filters leave, the popular first.

    ``facets`` maps each field to count to the filters under which to count it: all but its own. ``closer`` is met by
    some of what ``query`` finds: those are answered apart as well, by the same scores, without being asked twice.
    """

    query: Clause | None
    filters: Filters
    facets: Mapping[str, Filters] = field(default_factory=dict)
    sort: Sort = "relevance"
    offset: int = 0
    limit: int = 10
    closer: Clause | None = None

    @property
    def order_field(self) -> str | None:
        """The integer field that decides the order, the smallest first; None where the score does."""
        if self.sort == "relevance":
            return "popular_order" if self.query is None else None
        return f"{self.sort}_order"


@dataclass(frozen=True)
class Hit:
    """One document found: its score, which it is, and its card (see indexer.document), read when it is shown."""

    score: float
    code: str
    item_code: str
    read: Callable[[], str]

    @cached_property
    def card(self) -> dict[str, Any]:
        """What a page shows of it."""
        card: dict[str, Any] = json.loads(self.read())
        return card


@dataclass(frozen=True, slots=True)
class EngineResponse:
    """What was found: the page's hits, how many in all, counts by facet value, and the engine's own milliseconds.

    ``closer``: the same of those that meet the request's ``closer``; None where it has none.
    """

    hits: list[Hit]
    total: int
    facets: dict[str, dict[str, int]]
    took_ms: float
    closer: EngineResponse | None = None


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """How an engine is: ``position`` is how far it has followed the outbox."""

    name: str
    ready: bool
    index: str
    documents: int
    position: int
    message: str = ""


Capability = Literal["works without network", "many machines"]
"""What engines differ in. What is asked of both is not listed: both can."""


class EngineUnavailableError(Exception):
    """The engine cannot answer now. The message says why and what to do."""


class Engine(Protocol):
    """A search engine. ``capabilities`` are what it can do beyond the clauses above; see Capability."""

    name: str
    capabilities: frozenset[Capability]

    def lexicon_stamp(self) -> object:
        """Something that changes with the lexicon of the index that serves, or EngineUnavailableError. Cheap."""
        ...

    def lexicon(self) -> Lexicon:
        """The lexicon of the index that serves: queries must be analysed with it."""
        ...

    def search(self, request: EngineRequest) -> EngineResponse:
        """Answer a request, or raise EngineUnavailableError."""
        ...

    def status(self) -> EngineStatus:
        """How the engine is. Never raises."""
        ...
