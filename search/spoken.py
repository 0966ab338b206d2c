"""A query that was heard and not typed: of several readings, the one that the catalogue answers best.

A recognizer is sure of sounds and guesses words. So each reading is searched, by characters and by sound as any query
is, and what fits best decides which reading was meant. docs/voice.md shows what this brings over the first reading.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from search.request import Hypothesis, InvalidRequestError, SearchRequest
from search.results import SearchResponse, SearchResult

_OTHERS_SHOWN: Final = 2
"""So many results of other readings may stand among those of the reading chosen, where they fit as well."""
_LIKELIHOOD_SCORE: Final = 1.0
"""What the logarithm of a reading's weight counts beside scores. Values from 0 to 8 hardly differ: how a reading fits
the catalogue tells much more than how well it was heard."""

_AS_GOOD: Final = 0.85
"""From this share of the best score on a reading fits as well: some word more that happens to match weighs less."""

Search = Callable[[SearchRequest], SearchResponse]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A reading and its first page."""

    hypothesis: Hypothesis
    response: SearchResponse

    def score(self, result: SearchResult) -> float:
        return result.score + _LIKELIHOOD_SCORE * math.log(self.hypothesis.weight)

    @property
    def found(self) -> tuple[bool, str | None]:
        """Whether it is answered with certainty, and by which item first."""
        return bool(self.response.results), self._shown[0].item_code if self._shown else None

    @property
    def _shown(self) -> list[SearchResult]:
        return self.response.results or [result for guess in self.response.relaxed for result in guess.results]

    @property
    def rank(self) -> tuple[bool, float]:
        """How well it is answered: with certainty at all, and how well its first result fits."""
        return bool(self.response.results), self.score(self._shown[0]) if self._shown else -math.inf


def answer(request: SearchRequest, search: Search) -> SearchResponse:
    """The answer to the reading that is answered best; ``query`` of the response says which it is.

    On the first page a few results of other readings may come along where they score as high.
    """
    if len(request.heard) < 2 or request.sort != "relevance":
        return search(request)
    readings = _readings(request, search)
    if not readings:
        return search(request)
    best = max(readings, key=lambda reading: reading.rank)
    # Of readings that fit the same guide about as well, the likeliest is what the person is told was heard.
    least = _AS_GOOD * best.rank[1]
    chosen = next(r for r in readings if r is best or (r.found == best.found and r.rank[1] >= least))
    if request.page > 1:
        return search(replace(request, text=chosen.hypothesis.text))
    if not chosen.response.results:
        return chosen.response
    others = _others(chosen, readings)
    first, *rest = chosen.response.results
    scored = sorted([*((chosen.score(result), result) for result in rest), *others], key=lambda pair: -pair[0])
    return replace(
        chosen.response,
        results=[first, *(result for _score, result in scored)],
        total=chosen.response.total + len(others),
    )


def _readings(request: SearchRequest, search: Search) -> list[_Reading]:
    """Every reading with its answer; those that hold nothing to search for are left out."""
    found = []
    for hypothesis in request.heard:
        try:
            response = search(replace(request, text=hypothesis.text, heard=(), page=1))
        except InvalidRequestError:
            continue
        found.append(_Reading(hypothesis, response))
    return found


def _others(chosen: _Reading, readings: Sequence[_Reading]) -> list[tuple[float, SearchResult]]:
    """The best results of other readings, with their scores, that stand above the last of the chosen one's."""
    seen = {result.item_code for result in chosen.response.results}
    found: dict[str, tuple[float, SearchResult]] = {}
    for reading in readings:
        for result in reading.response.results:
            score = reading.score(result)
            if result.item_code not in seen and score > found.get(result.item_code, (-math.inf, result))[0]:
                found[result.item_code] = (score, result)
    least = chosen.score(chosen.response.results[-1])
    best = sorted(found.values(), key=lambda pair: -pair[0])[:_OTHERS_SHOWN]
    return [pair for pair in best if pair[0] > least]
