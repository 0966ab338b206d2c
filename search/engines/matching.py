"""Clauses in tantivy's terms, without those that nothing in the index can match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import tantivy
from tantivy import Occur, Query

from indexer.embedded import schema
from search.engines.base import AnyOf, Best, Both, Clause, Constant, Phrase, Term, Unscored

_REMEMBERED: Final = 200_000


class Matching:
    """Turns clauses into queries for one commit of an index, and remembers which words it has.

    A query of thirty clauses names a word in half a dozen fields, and most fields have it not: to look once is cheaper
    than to have each of them opened, merged and scored.
    """

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._searcher = searcher
        self._known: dict[tuple[str, str], bool] = {}

    def query(self, clause: Clause) -> Query | None:
        """The query; None where nothing can match."""
        match clause:
            case Term(field, token, boost):
                if self._has(field, token):
                    return Query.boost_query(Query.term_query(schema(), field, token), boost)
            case Phrase(field, tokens, boost):
                if all(self._has(field, token) for token in tokens):
                    return Query.boost_query(Query.phrase_query(schema(), field, list(tokens)), boost)
            case Constant(field, value, score):
                if self._has(field, value):
                    return Query.const_score_query(Query.term_query(schema(), field, value, "basic"), score)
            case Unscored(inner):
                found = self.query(inner)
                return None if found is None else Query.const_score_query(found, 0.0)
            case Best(clauses, tie):
                found_all = self._all(clauses)
                return _only(found_all) or Query.disjunction_max_query(found_all, tie) if found_all else None
            case AnyOf(clauses, minimum):
                found_all = self._all(_alternatives(clause) if minimum == 1 else clauses)
                if len(found_all) >= minimum:
                    return _only(found_all) or Query.boolean_query(
                        [(Occur.Should, each) for each in found_all], minimum_number_should_match=minimum
                    )
            case Both(required, optional):
                found = self.query(required)
                if found is not None:
                    return Query.boolean_query(
                        [(Occur.Must, found), *((Occur.Should, each) for each in self._all(optional))]
                    )
        return None

    def _all(self, clauses: Iterable[Clause]) -> list[Query]:
        return [query for query in map(self.query, clauses) if query is not None]

    def _has(self, field: str, token: str) -> bool:
        known = self._known.get((field, token))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[field, token] = self._searcher.doc_freq(field, token) > 0
        return known


def _only(queries: list[Query]) -> Query | None:
    return queries[0] if len(queries) == 1 else None


def _alternatives(clause: AnyOf) -> Iterator[Clause]:
    """The clauses any of which will do, those within such clauses among them: their scores are summed either way."""
    for each in clause.clauses:
        if isinstance(each, AnyOf) and each.minimum == 1:
            yield from _alternatives(each)
        else:
            yield each
