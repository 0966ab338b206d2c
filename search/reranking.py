"""The first results once more: does one single name or saying fit, or did many lend a word each?

An engine sees all sayings of a service as one bag of words, so a service with many sayings collects matches from
several of them. Here each of the first candidates is compared text by text with what was asked. Texts come from the
lexicon, so both engines are reranked alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from indexer import pinyin
from indexer.folding import fold
from indexer.lexicon import ItemEntry, Lexicon
from search.engines.base import Hit
from search.ranking import Rerank, Spelled, Weights
from search.weighing import Weighing

_HEARD: Final = 0.3
"""How much better a text must fit by sound than by characters to be offered as what was meant."""
WINDOW: Final = 30
"""So many of the engine's first results are compared; what comes after them keeps the engine's order."""


@dataclass(frozen=True, slots=True)
class _Text:
    """What a name or saying is made of, and how much there is in it to be matched."""

    text: str
    pairs: frozenset[str]
    sounds: frozenset[str]
    initials: str
    pairs_weight: float
    sounds_weight: float


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a service's best name or saying fits the query, from 0 to 1, and the score by which it is placed.

    ``text`` is that name or saying; ``is_heard``: it fits by sound and not by characters (营业只照 and 营业执照).
    """

    hit: Hit
    fit: float
    score: float
    text: str
    is_heard: bool


class Reranker:
    """Compares candidates with a query by one lexicon. Remembers the texts of services that were candidates before."""

    def __init__(self, lexicon: Lexicon, weighing: Weighing) -> None:
        self._items = {item.code: item for item in lexicon.items}
        self._weighing = weighing
        self._texts: dict[str, list[_Text]] = {}

    def rank(self, hits: Sequence[Hit], spelled: Spelled, weights: Weights) -> list[Fit]:
        """The candidates in their new order."""
        query = _Query.of(spelled, weights.synonym_boost)
        found = [self._fit(hit, query, weights.rerank) for hit in hits]
        return sorted(found, key=lambda fit: (-round(fit.score, 6), fit.hit.code))

    def _fit(self, hit: Hit, query: _Query, weights: Rerank) -> Fit:
        best, best_text, by_characters, by_sound = 0.0, "", 0.0, 0.0
        for text in self._texts_of(hit.item_code):
            fit, pairs, sounds = query.likeness(text, weights)
            if fit > best:
                best, best_text, by_characters, by_sound = fit, text.text, pairs, sounds
        is_heard = bool(query.pairs) and by_sound - by_characters >= _HEARD
        return Fit(hit, best, hit.score + weights.fit_score * best, best_text, is_heard)

    def _texts_of(self, item_code: str) -> list[_Text]:
        texts = self._texts.get(item_code)
        if texts is None:
            item = self._items.get(item_code)
            texts = [] if item is None else [self._text(item, number) for number in range(len(item.texts))]
            self._texts[item_code] = texts
        return texts

    def _text(self, item: ItemEntry, number: int) -> _Text:
        folded = fold(item.texts[number])
        pairs = frozenset(run[i : i + 2] for run, is_han in pinyin.runs(folded) if is_han for i in range(len(run) - 1))
        sounds = frozenset(pinyin.sound_pairs([pinyin.sound(s) for s in item.syllables[number].split()]))
        return _Text(
            item.texts[number],
            pairs,
            sounds,
            item.initials[number],
            sum(self._weighing.pair(pair, 1.0) for pair in pairs),
            sum(self._weighing.sound(pair, 1.0) for pair in sounds),
        )


@dataclass(frozen=True, slots=True)
class _Query:
    """What is asked as weights by token, and how much there is in it to be matched.

    ``meant`` are the pairs of synonyms; a text that has some of them need not have what they stand for.
    """

    pairs: dict[str, float]
    meant: frozenset[str]
    explained_weight: float
    sounds: dict[str, float]
    initials: str
    pairs_weight: float
    sounds_weight: float

    @classmethod
    def of(cls, spelled: Spelled, synonym_boost: float) -> _Query:
        pairs = {
            word.token[i : i + 2]: word.weight * synonym_boost / (len(word.token) - 1)
            for word in spelled.meant
            for i in range(len(word.token) - 1)
        }
        return cls(
            pairs | {pair.token: pair.weight for pair in spelled.pairs},
            frozenset(pairs),
            sum(pair.weight for pair in spelled.pairs if pair.is_explained),
            {pair.token: pair.weight for pair in spelled.sounds},
            spelled.initials,
            # What is only meant is not missed where it is not there.
            sum(pair.weight for pair in spelled.pairs),
            sum(pair.weight for pair in spelled.sounds),
        )

    def likeness(self, text: _Text, weights: Rerank) -> tuple[float, float, float]:
        """(likeness, by characters alone, by sounds alone): shared weight over shared and unshared, where what only one
        side has counts less (Tversky, 1977)."""
        if self.initials and self.initials in text.initials:
            rest = len(text.initials) - len(self.initials)
            likeness = len(self.initials) / (len(self.initials) + weights.only_there * rest)
            return likeness, 0.0, likeness
        by_pairs = by_sounds = 0.0
        # Most texts share nothing, and that is told quickest by the sets.
        if not text.pairs.isdisjoint(self.pairs):
            asked = self.pairs_weight
            if not text.pairs.isdisjoint(self.meant):
                asked -= self.explained_weight
            by_pairs = _tversky(self.pairs, text.pairs, asked, text.pairs_weight, weights)
        if not text.sounds.isdisjoint(self.sounds):
            by_sounds = _tversky(self.sounds, text.sounds, self.sounds_weight, text.sounds_weight, weights)
        # What is typed as pinyin has no characters to compare.
        sound_share = weights.sound_share if self.pairs else 1.0
        return (1 - sound_share) * by_pairs + sound_share * by_sounds, by_pairs, by_sounds


def _tversky(
    asked: dict[str, float], there: frozenset[str], all_asked: float, all_there: float, weights: Rerank
) -> float:
    shared = 0.0
    for token in there:
        if token in asked:
            shared += asked[token]
    if not shared:
        return 0.0
    only_asked, only_there = max(0.0, all_asked - shared), max(0.0, all_there - shared)
    return shared / (shared + weights.only_asked * only_asked + weights.only_there * only_there)
