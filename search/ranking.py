"""From words to clauses, by the weights of ranking.yaml."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, Field

from indexer.analysis import Analyzer, exact_key
from indexer.document import FIELDS
from indexer.folding import fold
from indexer.pinyin import MAX_INITIALS, MIN_INITIALS, sound, split_pinyin, syllables
from search.engines.base import AnyOf, Best, Both, Clause, Constant, Phrase, Unscored
from search.weighing import Weighing


class Rerank(BaseModel):
    """How the first results are compared text by text; see reranking.py."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit_score: float = Field(ge=0)
    sound_share: float = Field(ge=0, le=1)
    only_asked: float = Field(ge=0)
    only_there: float = Field(ge=0)


class Confidence(BaseModel):
    """When the results are shown as an answer; see confidence.py. ``enough`` is the certainty that is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: float
    fit: float
    share: float
    matched: float
    unknown: float
    words: float
    enough: float = Field(ge=0, le=1)
    fit_elsewhere: float = Field(ge=0, le=1)


class Weights(BaseModel):
    """The numbers of ranking.yaml, which gives the reason of each beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: dict[str, float]
    bigram_fields: dict[str, float]
    sound_fields: dict[str, float]
    initials_score: float = Field(ge=0)
    name_fields: tuple[str, ...]
    names_enough: int = Field(ge=1)
    fit_enough: float = Field(ge=0, le=1)
    field_tie: float = Field(ge=0, le=1)
    piece_boost: float = Field(ge=0)
    synonym_boost: float = Field(ge=0, le=1)
    phrase_boost: float = Field(ge=0)
    best_bet_score: float = Field(ge=0)
    exact_score: float = Field(ge=0)
    exact_stripped_score: float = Field(ge=0)
    popularity_score: float = Field(ge=0)
    telling_share: float = Field(ge=0, le=1)
    minimum_share: float = Field(gt=0, le=1)
    words_enough: int = Field(ge=1)
    bigrams_enough: int = Field(ge=1)
    rerank: Rerank
    confidence: Confidence
    sounds_enough: int = Field(ge=1)

    def model_post_init(self, _context: object) -> None:
        """Every field named must exist."""
        unknown = {*self.fields, *self.bigram_fields, *self.sound_fields, *self.name_fields} - FIELDS.keys()
        if unknown:
            raise ValueError(f"ranking.yaml names fields that documents do not have: {sorted(unknown)}")


def load_synonyms() -> list[list[str]]:
    """The groups of words that ship with this version."""
    text = resources.files("search").joinpath("synonyms.yaml").read_text(encoding="utf-8")
    groups: list[list[str]] = yaml.safe_load(text)
    return groups


def load_weights() -> Weights:
    """The weights that ship with this version."""
    text = resources.files("search").joinpath("ranking.yaml").read_text(encoding="utf-8")
    return Weights.model_validate(yaml.safe_load(text))


@dataclass(frozen=True, slots=True)
class Weighed:
    """Something of a query to be matched, and how telling it is. ``is_explained``: there are other words for it."""

    token: str
    weight: float
    is_explained: bool = False


@dataclass(frozen=True, slots=True)
class Spelled:
    """A query in every spelling that it is matched by: words, pairs of characters, pairs of sounds, initials.

    ``meant`` are other words for what was said (synonyms); ``pair_row`` are all pairs as they stand, repeated ones too.
    """

    words: tuple[Weighed, ...]
    meant: tuple[Weighed, ...]
    pairs: tuple[Weighed, ...]
    sounds: tuple[Weighed, ...]
    initials: str
    pair_row: tuple[str, ...]

    @classmethod
    def of(cls, text: str, analyzer: Analyzer, weighing: Weighing) -> Spelled:
        """All spellings of what is left of a query after understanding."""
        folded = fold(text)
        content = [1.0] * len(folded)
        at = {}
        for word, start, end in analyzer.query_spans(folded):
            content[start:end] = [weighing.content(word)] * (end - start)
            at[word] = frozenset(range(start, end))
        words = list(at)
        meant, explained = weighing.meant(folded, words)
        replaceable: set[str] = set()
        pairs: dict[str, float] = {}
        row: list[str] = []
        heard: list[tuple[str, float]] = []
        for match in _RUN.finditer(folded):
            run, start = match.group(), match.start()
            if run[0].isascii():
                heard += [(sound(syllable), 1.0) for syllable in split_pinyin(run) or ()]
                continue
            shares = content[start : match.end()]
            heard += zip(map(sound, syllables(run)), shares, strict=False)
            for offset in range(len(run) - 1):
                pair = run[offset : offset + 2]
                row.append(pair)
                if {start + offset, start + offset + 1} <= explained:
                    replaceable.add(pair)
                pairs[pair] = max(pairs.get(pair, 0.0), weighing.pair(pair, (shares[offset] + shares[offset + 1]) / 2))
        sounds: dict[str, float] = {}
        # A single syllable sounds like hundreds of words.
        for (first, its), (second, others) in itertools.pairwise(heard):
            pair = f"{first}.{second}"
            sounds[pair] = max(sounds.get(pair, 0.0), weighing.sound(pair, (its + others) / 2))
        letters = folded.replace(" ", "")
        is_initials = letters.isascii() and letters.isalpha() and MIN_INITIALS <= len(letters) <= MAX_INITIALS
        return cls(
            words=tuple(Weighed(word, weighing.word(word), at[word] <= explained) for word in words),
            meant=tuple(Weighed(word, weighing.word(word)) for word in meant),
            pairs=tuple(Weighed(pair, weight, pair in replaceable) for pair, weight in pairs.items()),
            sounds=tuple(Weighed(*each) for each in sounds.items()),
            initials=letters if is_initials else "",
            pair_row=tuple(row),
        )


@dataclass(frozen=True, slots=True)
class Words:
    """A query's words as they are matched, kept for highlighting. ``is_asking``: they decide what is found, not just in
    which order.

    ``clause`` finds every guide that has a single telling word anywhere, ``names`` tells those of them that have some
    of the telling words in their names and sayings. Both are None where there is nothing to ask.
    """

    tokens: tuple[str, ...]
    spelled: Spelled
    clause: Clause | None
    names: Clause | None
    is_asking: bool


def build(
    text: str,
    whole: str,
    analyzer: Analyzer,
    weighing: Weighing,
    weights: Weights,
    *,
    best_bets: Mapping[str, Sequence[str]],
    all_of: Clause | None = None,
) -> Words:
    """Clauses for ``text`` (what is left after understanding) and ``whole`` (the query as it was said).

    Names decide what is found and everything decides the order: 身份证 is a material of a thousand guides, but the
    person who types it means those few that are called by it. With ``all_of`` everything that matches it is found, and
    the words decide the order alone.
    """
    spelled = Spelled.of(text, analyzer, weighing)
    tokens = tuple(each.token for each in spelled.words)
    if not tokens:
        return Words((), spelled, None, None, is_asking=False)
    exact = Best(
        (
            Constant("exact", exact_key(whole), weights.exact_score),
            Constant("exact", exact_key(text), weights.exact_stripped_score),
        )
    )
    # The clerks' choice for these very words: before everything else, in their order.
    bets = dict.fromkeys(best_bets.get(exact_key(whole), ()) or best_bets.get(exact_key(text), ()))
    chosen = tuple(Constant("item_code", item, weights.best_bet_score - place) for place, item in enumerate(bets))
    optional: list[Clause] = [
        Constant("popularity", str(level), level * weights.popularity_score) for level in range(1, 6)
    ]
    if len(spelled.pair_row) > 1:
        # Pairs in a row are characters in a row: the text itself stands in the title or in an alias.
        optional.extend(Phrase(field, spelled.pair_row, weights.phrase_boost) for field in weights.bigram_fields)
    scored: list[Clause] = [_word(word, weights.fields, analyzer, weighing, weights) for word in spelled.words]
    # As telling as what was said, for it may be what is meant; less sure, for it is a guess.
    names = {name: weights.fields[name] * weights.synonym_boost for name in weights.name_fields}
    scored += _named(spelled.meant, names)
    scored += _named(spelled.pairs, weights.bigram_fields)
    scored += _named(spelled.sounds, weights.sound_fields)
    if spelled.initials:
        scored.append(Constant("initials", spelled.initials, weights.initials_score))
    scored += (exact, *chosen)
    if all_of is not None:
        return Words(tokens, spelled, Both(all_of, (*scored, *optional)), None, is_asking=False)
    whole_text = AnyOf((exact, *chosen))
    names_gate = _gate(spelled, weights.name_fields, whole_text, weights.minimum_share, analyzer, weights)
    any_gate = _gate(spelled, tuple(weights.fields), whole_text, _ANY_SHARE, analyzer, weights)
    return Words(tokens, spelled, Both(Unscored(any_gate), (*scored, *optional)), names_gate, is_asking=True)


_RUN = re.compile(r"[a-z]+|[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_ANY_SHARE = 0.01
"""So small a share that one word is enough."""


def _gate(
    spelled: Spelled,
    fields: tuple[str, ...],
    exact: Clause,
    share: float,
    analyzer: Analyzer,
    weights: Weights,
) -> AnyOf:
    """What a document must have at least: some of the telling words in ``fields``, or of the telling pairs of
    characters or of sounds, or the whole text as a name or as initials."""
    clauses: list[Clause] = [exact]
    words = _telling(spelled.words, weights)
    if words:
        each = tuple(_present(word.token, fields, analyzer) for word in (*words, *spelled.meant))
        clauses.append(AnyOf(each, minimum=_enough(len(words), share, weights.words_enough)))
    for pairs, names, enough in (
        (spelled.pairs, weights.bigram_fields, weights.bigrams_enough),
        (spelled.sounds, weights.sound_fields, weights.sounds_enough),
    ):
        telling = _telling(pairs, weights)
        if telling:
            each = tuple(AnyOf(tuple(Constant(name, pair.token, 0.0) for name in names)) for pair in telling)
            clauses.append(AnyOf(each, minimum=_enough(len(each), share, enough)))
    if spelled.initials:
        clauses.append(Constant("initials", spelled.initials, 0.0))
    return AnyOf(tuple(clauses))


def _telling(parts: tuple[Weighed, ...], weights: Weights) -> list[Weighed]:
    """Those that are not far below the most telling one: 办 beside 营业执照 decides nothing."""
    most = max((part.weight for part in parts), default=0.0)
    return [part for part in parts if part.weight >= most * weights.telling_share]


def _enough(count: int, share: float, enough: int) -> int:
    return max(1, min(enough, math.ceil(count * share)))


def _present(word: str, fields: tuple[str, ...], analyzer: Analyzer) -> Clause:
    """A word in any field, or all its parts."""
    whole = tuple(Constant(field, word, 0.0) for field in fields)
    pieces = [piece for piece in analyzer.index_tokens(word).split() if piece != word]
    if not pieces:
        return AnyOf(whole)
    parts = AnyOf(
        tuple(AnyOf(tuple(Constant(field, piece, 0.0) for field in fields)) for piece in pieces), minimum=len(pieces)
    )
    return AnyOf((*whole, parts))


def _named(parts: tuple[Weighed, ...], fields: dict[str, float]) -> list[Clause]:
    """Each part in its best field, scored by how telling it is."""
    return [
        Best(tuple(Constant(field, part.token, part.weight * boost) for field, boost in fields.items()))
        for part in parts
    ]


def _word(word: Weighed, fields: dict[str, float], analyzer: Analyzer, weighing: Weighing, weights: Weights) -> Clause:
    """One word in its best field, or its parts together."""
    whole = _in_fields(word.token, word.weight, fields, weights)
    pieces = [piece for piece in analyzer.index_tokens(word.token).split() if piece != word.token]
    if not pieces:
        return whole
    share = weights.piece_boost / len(pieces)
    parts = AnyOf(
        tuple(_in_fields(piece, weighing.word(piece) * share, fields, weights) for piece in pieces),
        minimum=len(pieces),
    )
    return Best((whole, parts))


def _in_fields(token: str, weight: float, fields: dict[str, float], weights: Weights) -> Clause:
    return Best(tuple(Constant(field, token, weight * boost) for field, boost in fields.items()), tie=weights.field_tie)
