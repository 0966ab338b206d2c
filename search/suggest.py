"""Suggestions while typing: names and citizens' words for services, and departments, by what was typed of them.

Every way to read a text (its characters, its syllables, its initials, its sounds) is one long string of all texts, a
line each, the weightiest first. What is looked for is found in it by ``str.find`` at the speed of memory, already in
the order wanted, so that the first few finds are enough: about a millisecond for twenty thousand texts, and no index.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import log1p
from typing import Final, Literal, NamedTuple
from urllib.parse import urlencode

from indexer import pinyin
from indexer.folding import is_han
from indexer.lexicon import ItemEntry, Lexicon
from search import typed
from search.highlight import Span

MAX_PREFIX_CHARACTERS: Final = 50

_EXACT, _EXACT_INITIALS, _WORDS, _BEGINNING, _INITIALS, _INSIDE = 20.0, 12.0, 10.5, 10.0, 9.5, 7.0
_NEXT_GROUP = 10.0
"""Weaker ways to match are tried only where stronger ones found too few, and come after them."""
_POPULARITY = 0.6
"""A service that everyone comes for is found by a word within its name before a rare one that begins with it."""
_USE = 0.3
_PER_CHARACTER = 0.02
_ALIAS = 0.5

_SPARE = 2
_TEXTS_OF_ONE = 3
"""More are looked at than shown: several services may share a text, which is shown once; the others need another."""

_DEPARTMENT_CHARACTERS = 2
_DEPARTMENT_INITIALS = 3
_DEPARTMENT_INSIDE = 3
_A_DEPARTMENT_IN = 4


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to search for, the item it belongs to, and that item's official name; or a department to filter by.

    A department has no ``item_code``; its ``title`` is the line of government, its ``text`` what citizens call it, and
    ``services`` how many it offers, where somebody counted. ``highlights`` are (start, end) pairs of characters of
    ``text``: what was typed of it. ``url`` is the page of its results.
    """

    text: str
    item_code: str
    title: str
    sector: str
    kind: Literal["item", "department"]
    url: str
    services: int | None
    highlights: list[Span]


class _Text(NamedTuple):
    weight: float
    text: str
    owner: int
    syllables: str
    initials: str
    squeezed: str


class _View:
    """One way to read all texts, a line each."""

    def __init__(self, lines: Iterable[str]) -> None:
        listed = list(lines)
        self.whole = "\n".join(("", *listed, ""))
        self._starts = array("I", accumulate((len(line) + 1 for line in listed), initial=0))

    def find(self, wanted: str) -> Iterator[int]:
        """The numbers of the lines that hold ``wanted``, each once, in order. A line begins and ends with a newline."""
        found = self.whole.find(wanted)
        while found >= 0:
            number = self.line(found)
            yield number
            found = self.whole.find(wanted, self._starts[number + 1])

    def line(self, position: int) -> int:
        """The number of the line at a position."""
        return bisect_right(self._starts, position) - 1


_Hits = tuple[float, Iterable[int]]
"""What a match of a kind is worth, and the texts that match so, the weightiest first."""


class _Catalogue:
    """Texts, each of an owner, and every way to read them."""

    def __init__(self, texts: Iterable[_Text]) -> None:
        self.texts = sorted(texts, key=lambda text: (-text.weight, text.text, text.owner))
        self._squeezed = _View(text.squeezed for text in self.texts)
        self._joined = _View(text.syllables.replace(" ", "") for text in self.texts)
        self._spaced = _View(f" {text.syllables}" for text in self.texts)
        self._initials = _View(text.initials for text in self.texts)
        self._sounds = _View(f" {typed.sounds_of(text.syllables)}" for text in self.texts)

    def groups(self, wanted: str) -> Iterator[list[_Hits]]:
        """Ways in which texts match, the strongest group first."""
        yield [*self._by_characters(wanted), *([] if _has_han(wanted) else self._by_letters(wanted))]
        yield self._mixed(wanted) if _has_han(wanted) else self._shortened(wanted)
        yield self._by_sound(wanted)

    def best(self, group: list[_Hits], limit: int, less: float = 0.0) -> list[tuple[float, _Text]]:
        """The score and the text of what ``limit`` suggestions may need of a group: of each kind the first owners."""
        found: list[tuple[float, _Text]] = []
        for worth, numbers in group:
            seen: dict[int, int] = {}
            for number in numbers:
                text = self.texts[number]
                times = seen.get(text.owner, 0)
                if times < _TEXTS_OF_ONE:
                    seen[text.owner] = times + 1
                    found.append((worth - less + text.weight, text))
                    if len(seen) == limit * _SPARE:
                        break
        return found

    def beginnings(self, wanted: str) -> list[_Hits]:
        """The strongest ways in which the texts of departments match; one syllable or two letters mean none."""
        if _has_han(wanted):
            hits = self._by_characters(wanted)
            least = {_INSIDE: _DEPARTMENT_INSIDE, _BEGINNING: _DEPARTMENT_CHARACTERS}
            return [(worth, found) for worth, found in hits if len(wanted) >= least.get(worth, 0)]
        syllables = len(typed.syllables_typed(wanted))
        return [
            (worth, found)
            for worth, found in self._by_letters(wanted)
            if (len(wanted) >= _DEPARTMENT_INITIALS if worth == _INITIALS else syllables >= _DEPARTMENT_CHARACTERS)
        ]

    def _by_characters(self, wanted: str) -> Iterator[_Hits]:
        yield _EXACT, self._squeezed.find(f"\n{wanted}\n")
        yield _BEGINNING, self._squeezed.find(f"\n{wanted}")
        if len(wanted) > 1 or _has_han(wanted):
            yield _INSIDE, self._squeezed.find(wanted)

    def _by_letters(self, wanted: str) -> Iterator[_Hits]:
        yield _INITIALS, self._initials.find(f"\n{wanted}")
        if len(wanted) == 1:
            return
        yield _EXACT, self._joined.find(f"\n{wanted}\n")
        yield _EXACT_INITIALS, self._initials.find(f"\n{wanted}\n")
        yield _BEGINNING, self._joined.find(f"\n{wanted}")
        whole = pinyin.split_pinyin(wanted)
        if whole is not None:
            # ban is 办 rather than the beginning of 帮.
            yield _WORDS, self._spaced.find(f"\n {' '.join(whole)} ")

    def _shortened(self, wanted: str) -> list[_Hits]:
        if len(wanted) <= 2 or not wanted.isascii():
            return []
        pattern = typed.shortened_pattern(wanted)
        spaced = self._spaced
        hits: list[_Hits] = [
            (_BEGINNING, (spaced.line(match.start()) for match in pattern.finditer(spaced.whole))),
            (_INSIDE, self._initials.find(wanted)),
        ]
        parts = typed.syllables_typed(wanted)
        if parts:
            hits.append((_INSIDE, spaced.find(f" {' '.join(parts)}")))
        return hits

    def _mixed(self, wanted: str) -> list[_Hits]:
        if not typed.is_mixed(wanted):
            return []
        pattern = typed.mixed_pattern(wanted)
        beginning: list[int] = []
        inside: list[int] = []
        for number in self._squeezed.find(max(_runs_of_han(wanted), key=len)):
            text = self.texts[number]
            match = pattern.search(typed.line(text.squeezed, text.syllables))
            if match is not None:
                (inside if match.start() else beginning).append(number)
        return [(_BEGINNING, beginning), (_INSIDE, inside)]

    def _by_sound(self, wanted: str) -> list[_Hits]:
        sounds = typed.sounds_typed(wanted)
        if len(sounds) < 2:
            return []
        heard = " ".join(sounds)
        return [(_BEGINNING, self._sounds.find(f"\n {heard}")), (_INSIDE, self._sounds.find(f" {heard}"))]


class Suggester:
    """Suggests from one lexicon. Immutable; make one when the lexicon changes.

    ``uses`` says how often the guides of an item were opened, by its code, where that is known.
    """

    def __init__(self, lexicon: Lexicon, uses: Mapping[str, int] | None = None) -> None:
        self._items = lexicon.items
        self._sectors = tuple(lexicon.sector_aliases)
        self._services = _Catalogue(_item_texts(lexicon.items, uses or {}))
        self._departments = _Catalogue(_department_texts(lexicon.sector_aliases))
        # The table of all syllables is made at its first use: not while somebody types.
        pinyin.split_pinyin("a")

    def suggest(self, prefix: str, limit: int = 8) -> list[Suggestion]:
        """At most ``limit`` suggestions, one an item and one a text, the likeliest first; none for an empty prefix.

        A department called exactly so comes first; others come last, and take few of the places.
        """
        wanted = typed.squeezed(prefix[:MAX_PREFIX_CHARACTERS])
        if not wanted or limit < 1:
            return []
        first, last = self._departments_for(wanted, limit)
        items: list[_Text] = []
        found: list[tuple[float, _Text]] = []
        for number, group in enumerate(self._services.groups(wanted)):
            found += self._services.best(group, limit, less=number * _NEXT_GROUP)
            items = _one_each(found, limit)
            if len(items) == limit:
                break
        items = items[: limit - len(first)]
        last = last[: max(limit - len(first) - len(items), limit // _A_DEPARTMENT_IN - len(first), 0)]
        items = items[: limit - len(first) - len(last)]
        return [
            *(self._department(text, wanted) for text in first),
            *(self._item(text, wanted) for text in items),
            *(self._department(text, wanted) for text in last),
        ]

    def _departments_for(self, wanted: str, limit: int) -> tuple[list[_Text], list[_Text]]:
        """Departments called exactly so, and others that may be meant."""
        hits = self._departments.beginnings(wanted)
        chosen = _one_each(self._departments.best(hits, limit), limit, texts_differ=False)
        exact = [text for text in chosen if text.squeezed == wanted][:limit]
        return exact, [text for text in chosen if text.squeezed != wanted]

    def _item(self, text: _Text, wanted: str) -> Suggestion:
        item = self._items[text.owner]
        return Suggestion(
            text=text.text,
            item_code=item.code,
            title=item.name,
            sector=item.sector,
            kind="item",
            url=f"/search?{urlencode({'q': text.text})}",
            services=None,
            highlights=typed.marks(text.text, text.syllables, wanted),
        )

    def _department(self, text: _Text, wanted: str) -> Suggestion:
        sector = self._sectors[text.owner]
        return Suggestion(
            text=text.text,
            item_code="",
            title=sector,
            sector=sector,
            kind="department",
            url=f"/search?{urlencode({'department': sector})}",
            services=None,
            highlights=typed.marks(text.text, text.syllables, wanted),
        )


def _item_texts(items: Iterable[ItemEntry], uses: Mapping[str, int]) -> Iterator[_Text]:
    for owner, item in enumerate(items):
        worth = item.popularity * _POPULARITY + log1p(uses.get(item.code, 0)) * _USE
        is_alias = 0.0
        for text, syllables, initials in zip(item.texts, item.syllables, item.initials, strict=True):
            squeezed = typed.squeezed(text)
            yield _Text(worth - is_alias - len(squeezed) * _PER_CHARACTER, text, owner, syllables, initials, squeezed)
            is_alias = _ALIAS


def _department_texts(aliases: Mapping[str, Iterable[str]]) -> Iterator[_Text]:
    for owner, (sector, names) in enumerate(aliases.items()):
        for position, name in enumerate((sector, *names)):
            syllables = " ".join(pinyin.syllables(name))
            yield _Text(-position * _PER_CHARACTER, name, owner, syllables, pinyin.initials(name), typed.squeezed(name))


def _one_each(found: Iterable[tuple[float, _Text]], limit: int, *, texts_differ: bool = True) -> list[_Text]:
    """The best text of each owner; no text twice, since both would search for the same."""
    owners: set[int] = set()
    texts: set[str] = set()
    chosen: list[_Text] = []
    for _score, text in sorted(found, key=lambda pair: (-pair[0], pair[1].text, pair[1].owner)):
        if text.owner in owners or (texts_differ and text.squeezed in texts):
            continue
        owners.add(text.owner)
        texts.add(text.squeezed)
        chosen.append(text)
        if len(chosen) == limit:
            break
    return chosen


def _has_han(text: str) -> bool:
    return any(map(is_han, text))


def _runs_of_han(text: str) -> list[str]:
    return "".join(char if is_han(char) else " " for char in text).split()
