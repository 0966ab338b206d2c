"""The embedded engine: tantivy in this process, on the index folder that indexer writes.

It sees a new commit or a swapped index by itself, at most REFRESH_SECONDS late.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from indexer.embedded import EmbeddedReader, IndexFolder, schema
from indexer.lexicon import Lexicon
from indexer.life import IndexMissingError
from search.engines.base import (
    AnyOf,
    Best,
    Both,
    Capability,
    Clause,
    Constant,
    EngineRequest,
    EngineResponse,
    EngineStatus,
    EngineUnavailableError,
    Filters,
    Hit,
    Phrase,
    Term,
    Unscored,
)

REFRESH_SECONDS = 0.3
_MAX_FACET_VALUES = 200


class EmbeddedEngine:
    """Searches the current index of a folder. Safe to share between threads."""

    name = "embedded"
    capabilities: frozenset[Capability] = frozenset({"works without network"})

    def __init__(self, folder: Path) -> None:
        self._folder = IndexFolder(folder)
        self._lock = threading.Lock()
        self._reader: EmbeddedReader | None = None
        self._seen: tuple[str, int] = ("", 0)
        self._checked_at = float("-inf")

    def reader(self) -> EmbeddedReader:
        """A reader of the newest commit of the current index."""
        now = time.monotonic()
        if self._reader is not None and now - self._checked_at < REFRESH_SECONDS:
            return self._reader
        with self._lock:
            try:
                path = self._folder.root / self._folder.current()
                stamp = (path.name, (path / "meta.json").stat().st_mtime_ns)
                if self._reader is None or stamp[0] != self._seen[0]:
                    self._reader = EmbeddedReader(path)
                elif stamp != self._seen:
                    self._reader.reload()
            except (IndexMissingError, OSError, ValueError) as error:
                if self._reader is None:
                    raise EngineUnavailableError(str(error)) from error
                # What was open still answers; a swap in progress is seen at the next look.
                return self._reader
            self._seen, self._checked_at = stamp, now
            return self._reader

    def lexicon_stamp(self) -> object:
        """Something that changes with the lexicon."""
        return self.reader().lexicon_stamp()

    def lexicon(self) -> Lexicon:
        """The lexicon of the index that serves."""
        return self.reader().lexicon()

    def search(self, request: EngineRequest) -> EngineResponse:
        """Answer a request from the newest commit."""
        searcher = self.reader().searcher
        started = time.perf_counter()
        scored = Query.all_query() if request.query is None else _compile(request.query)
        query = _filtered(scored, request.filters)
        order_by = request.order_field
        if order_by:
            found = searcher.search(
                query, request.limit, offset=request.offset, order_by_field=order_by, order=tantivy.Order.Asc
            )
        else:
            found = searcher.search(query, request.limit, offset=request.offset)
        hits = []
        for score, address in found.hits:
            card: dict[str, Any] = json.loads(searcher.doc(address)["card"][0])
            hits.append(Hit(0.0 if order_by else float(score), card))
        total = int(found.count)  # type: ignore[attr-defined]
        facets = self._facets(searcher, request, scored, query)
        return EngineResponse(hits, total, facets, (time.perf_counter() - started) * 1000)

    def _facets(
        self, searcher: tantivy.Searcher, request: EngineRequest, scored: Query, query: Query
    ) -> dict[str, dict[str, int]]:
        """Counts by value of every facet asked for. Facets under the same filters are counted in one pass."""
        groups: dict[str, tuple[Filters, list[str]]] = {}
        for field, filters in request.facets.items():
            groups.setdefault(json.dumps({k: list(v) for k, v in filters.items()}), (filters, []))[1].append(field)
        counts: dict[str, dict[str, int]] = {}
        for filters, fields in groups.values():
            counted = query if filters == request.filters else _filtered(scored, filters)
            aggregations = {f: {"terms": {"field": f, "size": _MAX_FACET_VALUES}} for f in fields}
            for field, result in searcher.aggregate(counted, aggregations).items():
                counts[field] = {str(bucket["key"]): int(bucket["doc_count"]) for bucket in result["buckets"]}
        return counts

    def status(self) -> EngineStatus:
        """How the index is."""
        try:
            reader = self.reader()
            position = reader.state().position
        except (EngineUnavailableError, IndexMissingError) as error:
            return EngineStatus(self.name, False, "", 0, 0, str(error))
        # The document that holds the position is no guide.
        return EngineStatus(self.name, True, reader.folder.name, reader.searcher.num_docs - 1, position)


def _filtered(scored: Query, filters: Filters) -> Query:
    clauses = [(Occur.Must, scored)]
    for field, values in filters.items():
        # A set of one as a plain term: it is cheaper, and most filters are.
        one = Query.term_query(schema(), field, values[0], "basic") if len(values) == 1 else None
        clauses.append((Occur.Must, Query.const_score_query(one or Query.term_set_query(schema(), field, values), 0.0)))
    return Query.boolean_query(clauses)


def _compile(clause: Clause) -> Query:
    match clause:
        case Term():
            return Query.boost_query(Query.term_query(schema(), clause.field, clause.token), clause.boost)
        case Phrase():
            return Query.boost_query(Query.phrase_query(schema(), clause.field, list(clause.tokens)), clause.boost)
        case Constant():
            return Query.const_score_query(
                Query.term_query(schema(), clause.field, clause.value, "basic"), clause.score
            )
        case Unscored():
            return Query.const_score_query(_compile(clause.clause), 0.0)
        case Best():
            return Query.disjunction_max_query([_compile(c) for c in clause.clauses], clause.tie)
        case AnyOf():
            return Query.boolean_query(
                [(Occur.Should, _compile(c)) for c in clause.clauses], minimum_number_should_match=clause.minimum
            )
        case Both():
            return Query.boolean_query(
                [(Occur.Must, _compile(clause.required)), *((Occur.Should, _compile(c)) for c in clause.optional)]
            )
