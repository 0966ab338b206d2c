"""From words to clauses, by the weights of ranking.yaml."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from indexer.analysis import Analyzer, exact_key
from indexer.document import FIELDS
from search.engines.base import AnyOf, Best, Both, Clause, Constant, Phrase, Term, Unscored


class Weights(BaseModel):
    """The numbers of ranking.yaml, which gives the reason of each beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: dict[str, float]
    bigram_fields: dict[str, float]
    name_fields: tuple[str, ...]
    names_enough: int = Field(ge=1)
    field_tie: float = Field(ge=0, le=1)
    piece_boost: float = Field(ge=0)
    phrase_boost: float = Field(ge=0)
    exact_score: float = Field(ge=0)
    exact_stripped_score: float = Field(ge=0)
    popularity_score: float = Field(ge=0)
    minimum_words: float = Field(gt=0, le=1)
    minimum_bigrams: float = Field(gt=0, le=1)
    words_enough: int = Field(ge=1)
    bigrams_enough: int = Field(ge=1)

    def model_post_init(self, _context: object) -> None:
        """Every field named must exist."""
        unknown = {*self.fields, *self.bigram_fields, *self.name_fields} - FIELDS.keys()
        if unknown:
            raise ValueError(f"ranking.yaml names fields that documents do not have: {sorted(unknown)}")


def load_weights() -> Weights:
    """The weights that ship with this version."""
    text = resources.files("search").joinpath("ranking.yaml").read_text(encoding="utf-8")
    return Weights.model_validate(yaml.safe_load(text))


_ANY_SHARE = 0.01
"""So small a share that one word is enough."""


@dataclass(frozen=True, slots=True)
class Words:
    """A query's words as they are matched, kept for highlighting."""

    tokens: tuple[str, ...]
    clause: Clause | None


Breadth = Literal["names", "everything", "any word"]
"""Where a query must match: in names and aliases; anywhere in the guide; anywhere, and a single word is enough."""


def build(text: str, whole: str, analyzer: Analyzer, weights: Weights, breadth: Breadth) -> Words:
    """Clauses for ``text`` (what is left after understanding) and ``whole`` (the query as it was said).

    Names decide what is found and everything decides the order: 身份证 is a material of a thousand guides, but the
    person who types it means those few that are called by it.
    """
    tokens = tuple(analyzer.query_tokens(text))
    if not tokens:
        return Words((), None)
    pairs = tuple(gram for gram in analyzer.bigrams(text).split() if len(gram) > 1)
    exact = Best(
        (
            Constant("exact", exact_key(whole), weights.exact_score),
            Constant("exact", exact_key(text), weights.exact_stripped_score),
        )
    )
    optional: list[Clause] = [
        Constant("popularity", str(level), level * weights.popularity_score) for level in range(1, 6)
    ]
    if len(pairs) > 1:
        # Pairs in a row are characters in a row: the text itself stands in the title or in an alias.
        optional.extend(Phrase(field, pairs, weights.phrase_boost) for field in weights.bigram_fields)
    share = _ANY_SHARE if breadth == "any word" else weights.minimum_words
    scored = _matching(tokens, pairs, weights.fields, share, exact, analyzer, weights)
    if breadth != "names":
        return Words(tokens, Both(scored, tuple(optional)))
    names = {field: boost for field, boost in weights.fields.items() if field in weights.name_fields}
    gate = Unscored(_matching(tokens, pairs, names, share, exact, analyzer, weights))
    return Words(tokens, Both(gate, (scored, *optional)))


def _matching(
    tokens: tuple[str, ...],
    pairs: tuple[str, ...],
    fields: dict[str, float],
    share: float,
    exact: Clause,
    analyzer: Analyzer,
    weights: Weights,
) -> AnyOf:
    """A share of the words in ``fields``, or of the character pairs, or the whole text as a name."""
    words = tuple(_word(token, fields, analyzer, weights) for token in tokens)
    clauses: list[Clause] = [
        AnyOf(words, minimum=max(1, min(weights.words_enough, math.ceil(len(words) * share)))),
        exact,
    ]
    distinct = tuple(dict.fromkeys(pairs))
    if distinct:
        grams = tuple(
            Best(tuple(Term(field, gram, boost) for field, boost in weights.bigram_fields.items())) for gram in distinct
        )
        pair_share = min(share, weights.minimum_bigrams)
        clauses.append(AnyOf(grams, minimum=max(1, min(weights.bigrams_enough, math.ceil(len(grams) * pair_share)))))
    return AnyOf(tuple(clauses))


def _word(token: str, fields: dict[str, float], analyzer: Analyzer, weights: Weights) -> Clause:
    """One word in its best field, or its parts together."""
    whole = _in_fields(token, 1.0, fields, weights)
    pieces = [piece for piece in analyzer.index_tokens(token).split() if piece != token]
    if not pieces:
        return whole
    share = weights.piece_boost / len(pieces)
    parts = AnyOf(tuple(_in_fields(piece, share, fields, weights) for piece in pieces), minimum=len(pieces))
    return Best((whole, parts))


def _in_fields(token: str, share: float, fields: dict[str, float], weights: Weights) -> Clause:
    return Best(tuple(Term(field, token, boost * share) for field, boost in fields.items()), tie=weights.field_tie)
