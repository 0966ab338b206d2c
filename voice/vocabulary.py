"""The words that a model knows, and how a text is said with them.

A grammar drops every phrase that holds a word unknown to the model, so texts of the catalogue are first cut into
words that it has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.analysis import Analyzer
from indexer.folding import is_han
from indexer.lexicon import Lexicon

_SPECIAL = ("<", "#", "[", "!")
"""Beginnings of entries in words.txt that are no words: <eps>, #0, [laughter], !SIL."""


class Vocabulary:
    """Words of a model. Immutable."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = frozenset(words)
        self._longest = max(map(len, self.words), default=0)

    @classmethod
    def read(cls, path: Path) -> Vocabulary:
        """From a model's words.txt: a word and its number on each line."""
        with path.open(encoding="utf-8") as lines:
            words = (line.split(maxsplit=1)[0] for line in lines if line.strip())
            return cls(word for word in words if not word.startswith(_SPECIAL))

    def segment(self, text: str) -> list[str] | None:
        """The fewest words of the model that make up ``text``; None where a character is in none of them."""
        best: list[tuple[int, int] | None] = [(0, 0), *([None] * len(text))]
        for start in range(len(text)):
            reached = best[start]
            if reached is None:
                continue
            for end in range(start + 1, min(len(text), start + self._longest) + 1):
                known = best[end]
                if text[start:end] in self.words and (known is None or reached[0] + 1 < known[0]):
                    best[end] = (reached[0] + 1, start)
        if best[-1] is None:
            return None
        words: list[str] = []
        end = len(text)
        while end:
            start = best[end][1]  # type: ignore[index]
            words.append(text[start:end])
            end = start
        return words[::-1]


def spoken_runs(text: str) -> list[str]:
    """The stretches of Chinese characters of a text: what a recognizer can write."""
    return re.findall(r"[\u3400-\u9fff]+", text)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of one kind of the catalogue's words a model can write.

    ``in_parts`` are words that it knows only by shorter words (it may still hear them), ``missing`` those with a
    character that it does not know at all, both with how often they occur, the most frequent first.
    """

    kind: str
    words: int
    in_parts: tuple[tuple[str, int], ...]
    missing: tuple[tuple[str, int], ...]


def coverage(lexicon: Lexicon, analyzer: Analyzer, vocabulary: Vocabulary) -> list[Coverage]:
    """What of the catalogue a model knows, by kind of words."""
    texts: Mapping[str, Sequence[str]] = {
        "item_name": [item.name for item in lexicon.items],
        "saying": [text for item in lexicon.items for text in item.texts[1:]],
        "division": [name for division in lexicon.divisions for name in (division.name, *division.aliases)],
        "department": [
            *(department.name for department in lexicon.departments),
            *(name for names in lexicon.sector_aliases.values() for name in names),
        ],
    }
    return [_coverage(kind, group, analyzer, vocabulary) for kind, group in texts.items()]


def _coverage(kind: str, texts: Sequence[str], analyzer: Analyzer, vocabulary: Vocabulary) -> Coverage:
    counts = Counter(
        word for text in texts for word, _start, _end in analyzer.known_spans(text) if all(map(is_han, word))
    )
    unknown = {word: count for word, count in counts.items() if word not in vocabulary.words}
    missing = {word: count for word, count in unknown.items() if vocabulary.segment(word) is None}
    in_parts = {word: count for word, count in unknown.items() if word not in missing}
    return Coverage(kind, len(counts), _most_frequent(in_parts), _most_frequent(missing))


def _most_frequent(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
