"""Suggestions while typing: names and aliases by characters, by pinyin, by initials.

The list is small (some thousand texts), so it is scanned whole: about two milliseconds, and no index to keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from indexer.folding import fold, is_han
from indexer.lexicon import Lexicon

MAX_PREFIX_CHARACTERS: Final = 50
_ALIAS_PENALTY = 0.5
_SHORT_INITIALS = 2


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to search for, the item it belongs to, and that item's official name."""

    text: str
    item_code: str
    title: str
    sector: str


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    folded: str
    syllables: str
    initials: str
    is_alias: bool
    item: int
    popularity: int


class Suggester:
    """Suggests from one lexicon. Immutable; make one when the lexicon changes."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._items = lexicon.items
        self._texts = [
            _Text(text, fold(text), syllables.replace(" ", ""), initials, position > 0, index, item.popularity)
            for index, item in enumerate(lexicon.items)
            for position, (text, syllables, initials) in enumerate(
                zip(item.texts, item.syllables, item.initials, strict=True)
            )
        ]

    def suggest(self, prefix: str, limit: int = 8) -> list[Suggestion]:
        """At most ``limit`` suggestions, one an item, the likeliest first; none for an empty prefix."""
        wanted = fold(prefix[:MAX_PREFIX_CHARACTERS]).replace(" ", "")
        if not wanted:
            return []
        by_sound = not any(is_han(char) for char in wanted)
        best: dict[int, tuple[float, _Text]] = {}
        for entry in self._texts:
            score = _sound_score(entry, wanted) if by_sound else _character_score(entry, wanted)
            if score <= 0:
                continue
            score += entry.popularity * 0.4 - len(entry.folded) * 0.02 - (_ALIAS_PENALTY if entry.is_alias else 0)
            if entry.item not in best or score > best[entry.item][0]:
                best[entry.item] = (score, entry)
        ranked = sorted(best.values(), key=lambda pair: (-pair[0], pair[1].text))[:limit]
        return [
            Suggestion(
                entry.text, self._items[entry.item].code, self._items[entry.item].name, self._items[entry.item].sector
            )
            for _score, entry in ranked
        ]


def _character_score(entry: _Text, wanted: str) -> float:
    if entry.folded == wanted:
        return 12
    if entry.folded.startswith(wanted):
        return 10
    return 7 if wanted in entry.folded else 0


def _sound_score(entry: _Text, wanted: str) -> float:
    if entry.syllables.startswith(wanted) and len(wanted) > 1:
        return 10
    if entry.initials.startswith(wanted):
        return 9
    if len(wanted) > _SHORT_INITIALS and (wanted in entry.initials or wanted in entry.syllables):
        return 6
    return 0
