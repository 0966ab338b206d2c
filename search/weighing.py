"""How telling a word is: rare among the services of the catalogue, and no mere manner of speaking.

The first comes from the lexicon (in how many services' names it occurs), the second from jieba's dictionary (function
words by their part of speech, others by how common they are in Chinese) and from language.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Final

import jieba

from indexer.folding import fold
from indexer.lexicon import Lexicon

_FUNCTION_TAGS: Final = frozenset(
    {"d", "r", "p", "c", "u", "ul", "ud", "uj", "uz", "ug", "uv", "y", "m", "q", "f", "k", "o", "e"}
)
"""Adverbs, pronouns, prepositions, conjunctions, particles, numerals, measures, directions (jieba's tags)."""
_FUNCTION_FREQUENCY: Final = 100
"""Rarer words with such tags are as often nouns of a trade."""
_WEAK: Final = 0.12
_LEAST: Final = 0.35
_COMMON: Final = 2.6
_RARE: Final = 4.4
"""Powers of ten: one word in 10^2.6 is as common as words get, one in 10^4.4 is rare enough to count in full."""


_COUNTED_FROM: Final = 1000
"""Words that occur less often in jieba's dictionary are all rarer than 10^-4.4."""


class Weighing:
    """Weighs what a query is made of by one lexicon. ``weak`` are manners of speaking beyond function words."""

    def __init__(self, lexicon: Lexicon, weak: Iterable[str], synonyms: Iterable[Sequence[str]]) -> None:
        self._groups: dict[str, dict[str, None]] = {}
        for group in synonyms:
            phrases = [fold(phrase) for phrase in group]
            # What is no word of any name can be said for the others, but never be meant.
            meant = dict.fromkeys(p for p in phrases if p in lexicon.frequencies.words)
            for phrase in phrases:
                self._groups.setdefault(phrase, {}).update(meant)
        self._longest = max(map(len, self._groups), default=0)
        self._frequencies = lexicon.frequencies
        self._services = max(1, len(lexicon.items))
        self._weak = frozenset(weak)
        self._own = frozenset(lexicon.words)

    def _rarity(self, count: int) -> float:
        """Inverse frequency among services, as BM25 has it."""
        return math.log(1 + (self._services - count + 0.5) / (count + 0.5))

    def word(self, word: str) -> float:
        """Weight of a word."""
        return self._rarity(self._frequencies.words.get(word, 0)) * self.content(word)

    def pair(self, pair: str, content: float) -> float:
        """Weight of a pair of characters that belong to words with this content."""
        return self._rarity(self._frequencies.pairs.get(pair, 0)) * content

    def sound(self, pair: str, content: float) -> float:
        """Weight of a pair of sounds."""
        return self._rarity(self._frequencies.sounds.get(pair, 0)) * content

    def is_known(self, word: str) -> bool:
        """Whether any service is called by this word."""
        return word in self._frequencies.words

    def meant(self, folded: str, words: Collection[str]) -> tuple[tuple[str, ...], frozenset[int]]:
        """(other words for what is said in a query, positions of what they stand for), by the groups of synonyms.

        A single character must be one of the query's ``words``; a longer phrase counts wherever it stands, since jieba
        may cut it (爹没了).
        """
        found: dict[str, None] = {}
        positions: set[int] = set()
        for start in range(len(folded)):
            for length in range(min(self._longest, len(folded) - start), 0, -1):
                phrase = folded[start : start + length]
                if phrase in self._groups and (length > 1 or phrase in words):
                    found |= self._groups[phrase]
                    positions.update(range(start, start + length))
                    break
        return tuple(word for word in found if word not in folded), frozenset(positions)

    def content(self, word: str) -> float:
        """How much of a word is content, in (0, 1]: 的 hardly any, 公司 half, 歌厅 all of it."""
        if word in self._weak:
            return _WEAK
        if word in self._own:
            return 1.0
        dictionary, total = _dictionary()
        frequency, is_function = dictionary.get(word, (0, False))
        if is_function:
            return _WEAK
        if not frequency:
            return 1.0
        power = math.log10(total / frequency)
        return min(1.0, max(_LEAST, _LEAST + (power - _COMMON) * (1 - _LEAST) / (_RARE - _COMMON)))


@cache
def _dictionary() -> tuple[dict[str, tuple[int, bool]], int]:
    """(word -> (occurrences, whether it is a function word), occurrences of all words) of jieba's dictionary.

    Words that are rare enough to count in full are left out.
    """
    found: dict[str, tuple[int, bool]] = {}
    total = 0
    with jieba.get_dict_file() as stream:
        for line in stream:
            word, count, tag = line.decode("utf-8").split()
            occurrences = int(count)
            total += occurrences
            is_function = tag in _FUNCTION_TAGS and occurrences >= _FUNCTION_FREQUENCY
            if is_function or occurrences >= _COUNTED_FROM:
                found[word] = (occurrences, is_function)
    return found, total
