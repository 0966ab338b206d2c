"""From words to clauses, by the weights of ranking.yaml."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, Field

from indexer.analysis import Analyzer, exact_key
from indexer.document import FIELDS
from search.engines.base import AnyOf, Best, Both, Clause, Constant, Phrase, Term


class Weights(BaseModel):
    """The numbers of ranking.yaml, which gives the reason of each beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: dict[str, float]
    bigram_fields: dict[str, float]
    field_tie: float = Field(ge=0, le=1)
    piece_boost: float = Field(ge=0)
    phrase_boost: float = Field(ge=0)
    exact_score: float = Field(ge=0)
    exact_stripped_score: float = Field(ge=0)
    popularity_score: float = Field(ge=0)
    minimum_words: float = Field(gt=0, le=1)
    minimum_bigrams: float = Field(gt=0, le=1)

    def model_post_init(self, _context: object) -> None:
        """Every field named must exist."""
        unknown = {*self.fields, *self.bigram_fields} - FIELDS.keys()
        if unknown:
            raise ValueError(f"ranking.yaml names fields that documents do not have: {sorted(unknown)}")


def load_weights() -> Weights:
    """The weights that ship with this version."""
    text = resources.files("search").joinpath("ranking.yaml").read_text(encoding="utf-8")
    return Weights.model_validate(yaml.safe_load(text))


@dataclass(frozen=True, slots=True)
class Words:
    """A query's words as they are matched, kept for highlighting."""

    tokens: tuple[str, ...]
    clause: Clause | None


def build(text: str, whole: str, analyzer: Analyzer, weights: Weights, *, lenient: bool = False) -> Words:
    """Clauses for ``text`` (what is left after understanding) and ``whole`` (the query as it was said).

    ``lenient`` lets a single word of many be enough: the last resort before giving up.
    """
    tokens = analyzer.query_tokens(text)
    if not tokens:
        return Words((), None)
    matching: list[Clause] = [_words(tokens, analyzer, weights, lenient)]
    pairs = [gram for gram in analyzer.bigrams(text).split() if len(gram) > 1]
    if pairs:
        minimum = 1 if lenient else max(1, math.ceil(len(set(pairs)) * weights.minimum_bigrams))
        matching.append(
            AnyOf(
                tuple(
                    Best(tuple(Term(field, gram, boost) for field, boost in weights.bigram_fields.items()))
                    for gram in dict.fromkeys(pairs)
                ),
                minimum=minimum,
            )
        )
    exact = Best(
        (
            Constant("exact", exact_key(whole), weights.exact_score),
            Constant("exact", exact_key(text), weights.exact_stripped_score),
        )
    )
    matching.append(exact)
    optional: list[Clause] = [
        Constant("popularity", str(level), level * weights.popularity_score) for level in range(1, 6)
    ]
    if len(pairs) > 1:
        # Pairs in a row are characters in a row: the text itself stands in the title or in an alias.
        optional.extend(Phrase(field, tuple(pairs), weights.phrase_boost) for field in weights.bigram_fields)
    return Words(tuple(tokens), Both(AnyOf(tuple(matching)), tuple(optional)))


def _words(tokens: list[str], analyzer: Analyzer, weights: Weights, lenient: bool) -> Clause:
    minimum = 1 if lenient else max(1, math.ceil(len(tokens) * weights.minimum_words))
    return AnyOf(tuple(_word(token, analyzer, weights) for token in tokens), minimum=minimum)


def _word(token: str, analyzer: Analyzer, weights: Weights) -> Clause:
    """One word in its best field, or its parts together."""
    whole = _in_fields(token, 1.0, weights)
    pieces = [piece for piece in analyzer.index_tokens(token).split() if piece != token]
    if not pieces:
        return whole
    share = weights.piece_boost / len(pieces)
    parts = AnyOf(tuple(_in_fields(piece, share, weights) for piece in pieces), minimum=len(pieces))
    return Best((whole, parts))


def _in_fields(token: str, share: float, weights: Weights) -> Clause:
    return Best(
        tuple(Term(field, token, boost * share) for field, boost in weights.fields.items()), tie=weights.field_tie
    )
