"""The first results once more: does one single name or saying fit, or did many lend a word each?

An engine sees all sayings of a service as one bag of words, so a service with many sayings collects matches from
several of them. Here each of the first candidates is compared text by text with what was asked. Texts come from the
lexicon, so both engines are reranked alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
class _Spelling:
    """One spelling of all texts of a service: which texts have a token, and how much there is to match in each."""

    where: dict[str, tuple[int, ...]]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, texts: Iterable[frozenset[str]], weigh: Callable[[str, float], float]) -> _Spelling:
        where: dict[str, list[int]] = {}
        weights: list[float] = []
        for number, tokens in enumerate(texts):
            weights.append(sum(weigh(token, 1.0) for token in tokens))
            for token in tokens:
                where.setdefault(token, []).append(number)
        return cls({token: tuple(numbers) for token, numbers in where.items()}, tuple(weights))

    def shared(self, asked: Mapping[str, float]) -> dict[int, float]:
        """Number of a text -> the weight that it shares with what is asked, for those that share any; most do not."""
        found: dict[int, float] = {}
        for token in self.where.keys() & asked.keys():
            weight = asked[token]
            for number in self.where[token]:
                found[number] = found.get(number, 0.0) + weight
        return found


@dataclass(frozen=True, slots=True)
class _Service:
    """The names and sayings of a service, in every spelling that they are compared by."""

    texts: tuple[str, ...]
    initials: tuple[str, ...]
    pairs: _Spelling
    sounds: _Spelling


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


@dataclass(frozen=True, slots=True)
class _Likeness:
    """How well the best text of a service fits, by what is placed, by characters alone and by sounds alone."""

    fit: float
    text: str
    by_characters: float
    by_sound: float


_UNLIKE: Final = _Likeness(0.0, "", 0.0, 0.0)


class Reranker:
    """Compares candidates with a query by one lexicon. Remembers the texts of services that were candidates before."""

    def __init__(self, lexicon: Lexicon, weighing: Weighing) -> None:
        self._items = {item.code: item for item in lexicon.items}
        self._weighing = weighing
        self._services: dict[str, _Service | None] = {}

    def rank(self, hits: Sequence[Hit], asked: Asked) -> list[Fit]:
        """The candidates in their new order."""
        found = [self._fit(hit, asked) for hit in hits]
        return sorted(found, key=lambda fit: (-round(fit.score, 6), fit.hit.code))

    def _fit(self, hit: Hit, asked: Asked) -> Fit:
        best = asked.compared.get(hit.item_code)
        if best is None:
            service = self._service(hit.item_code)
            best = asked.compared[hit.item_code] = _UNLIKE if service is None else asked.likeness(service)
        is_heard = bool(asked.pairs) and best.by_sound - best.by_characters >= _HEARD
        return Fit(hit, best.fit, hit.score + asked.weights.fit_score * best.fit, best.text, is_heard)

    def _service(self, item_code: str) -> _Service | None:
        if item_code not in self._services:
            item = self._items.get(item_code)
            self._services[item_code] = None if item is None else self._made(item)
        return self._services[item_code]

    def _made(self, item: ItemEntry) -> _Service:
        heard = (pinyin.sound_pairs([pinyin.sound(s) for s in syllables.split()]) for syllables in item.syllables)
        return _Service(
            item.texts,
            item.initials,
            _Spelling.of(map(_pairs, item.texts), self._weighing.pair),
            _Spelling.of(map(frozenset, heard), self._weighing.sound),
        )


def _pairs(text: str) -> frozenset[str]:
    runs = pinyin.runs(fold(text))
    return frozenset(run[i : i + 2] for run, is_han in runs if is_han for i in range(len(run) - 1))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked as weights by token, and how much there is in it to be matched.

    ``meant`` are the pairs of synonyms; a text that has some of them need not have what they stand for. ``compared``
    remembers the services that were compared with it.
    """

    spelled: Spelled
    weights: Rerank
    pairs: dict[str, float]
    meant: dict[str, float]
    explained_weight: float
    sounds: dict[str, float]
    pairs_weight: float
    sounds_weight: float
    compared: dict[str, _Likeness]

    @classmethod
    def of(cls, spelled: Spelled, weights: Weights) -> Asked:
        """The same for every candidate of a query."""
        meant = {
            word.token[i : i + 2]: word.weight * weights.synonym_boost / (len(word.token) - 1)
            for word in spelled.meant
            for i in range(len(word.token) - 1)
        }
        return cls(
            spelled,
            weights.rerank,
            meant | {pair.token: pair.weight for pair in spelled.pairs},
            meant,
            sum(pair.weight for pair in spelled.pairs if pair.is_explained),
            {pair.token: pair.weight for pair in spelled.sounds},
            # What is only meant is not missed where it is not there.
            sum(pair.weight for pair in spelled.pairs),
            sum(pair.weight for pair in spelled.sounds),
            {},
        )

    def likeness(self, service: _Service) -> _Likeness:
        """The text that fits best: shared weight over shared and unshared, where what only one side has counts less
        (Tversky, 1977)."""
        weights, initials = self.weights, self.spelled.initials
        by_pairs, by_sounds = service.pairs.shared(self.pairs), service.sounds.shared(self.sounds)
        replaced = service.pairs.shared(self.meant) if self.meant else {}
        # What is typed as pinyin has no characters to compare.
        sound_share = weights.sound_share if self.pairs else 1.0
        best = _UNLIKE
        if initials:
            for text, letters in zip(service.texts, service.initials, strict=True):
                if initials in letters:
                    rest = len(letters) - len(initials)
                    fit = len(initials) / (len(initials) + weights.only_there * rest)
                    if fit > best.fit:
                        best = _Likeness(fit, text, 0.0, fit)
        for number in sorted(by_pairs.keys() | by_sounds.keys()):
            if initials and initials in service.initials[number]:
                continue
            seen = heard = 0.0
            if shared := by_pairs.get(number, 0.0):
                asked = self.pairs_weight - (self.explained_weight if number in replaced else 0.0)
                seen = _tversky(shared, asked, service.pairs.weights[number], weights)
            if shared := by_sounds.get(number, 0.0):
                heard = _tversky(shared, self.sounds_weight, service.sounds.weights[number], weights)
            fit = (1 - sound_share) * seen + sound_share * heard
            if fit > best.fit:
                best = _Likeness(fit, service.texts[number], seen, heard)
        return best


def _tversky(shared: float, all_asked: float, all_there: float, weights: Rerank) -> float:
    apart = shared
    if all_asked > shared:
        apart += weights.only_asked * (all_asked - shared)
    if all_there > shared:
        apart += weights.only_there * (all_there - shared)
    return shared / apart
