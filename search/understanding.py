"""From one line of words to a query with evidence: where, who handles it, who applies, what about it, and the rest.

Every extraction keeps its words, so a page can show it as a chip and take it away again. All names come from the
lexicon, all ways of speaking from language.yaml; the code knows no city.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import yaml

from guides.vocabulary import APPLICANT_GROUP_LABELS
from indexer.analysis import Analyzer
from indexer.folding import fold, is_han
from indexer.lexicon import Lexicon

ChipKind = Literal["division", "department", "applicant", "aspect"]
_SHORT_STREET = 3
_PUNCTUATION = re.compile(r"[^\w\s]")


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing understood: its kind, its value, how to show it, the words it came from and where they stood."""

    kind: ChipKind
    value: str
    label: str
    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Understood:
    """``text`` is what is left to match; ``folded`` is the whole query in canonical form."""

    folded: str
    text: str
    chips: tuple[Chip, ...]

    def value(self, kind: ChipKind) -> str | None:
        """The value of the first chip of a kind."""
        return next((chip.value for chip in self.chips if chip.kind == kind), None)

    def without(self, *chips: Chip) -> str:
        """The query with the words of these chips taken out."""
        text = self.folded
        for chip in sorted(chips, key=lambda c: -c.start):
            text = f"{text[: chip.start]} {text[chip.end :]}"
        return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    value: str
    label: str
    rank: int


class Understanding:
    """Reads queries with the words of one lexicon. Immutable; make one when the lexicon changes."""

    def __init__(self, lexicon: Lexicon, analyzer: Analyzer) -> None:
        language: dict[str, Any] = yaml.safe_load(
            resources.files("search").joinpath("language.yaml").read_text(encoding="utf-8")
        )
        self._analyzer = analyzer
        self.weak: frozenset[str] = frozenset(language["weak"]) | frozenset(language["bare"])
        """Words that say little about what is wanted, though they may stand in names."""
        self._words: dict[str, list[_Entry]] = {}
        self._final_only = frozenset(language["final_only"])
        self._anywhere = frozenset(language["anywhere"])
        self._ambiguous = frozenset(language["ambiguous_places"])
        self._followers = tuple(language["place_followers"])
        self._bare = frozenset(language["bare"])
        self._add_divisions(lexicon)
        self._add_departments(lexicon)
        for aspect, phrases in language["aspect"].items():
            self._add(phrases, "aspect", aspect, ASPECT_LABELS[aspect], 3)
        for group, phrases in language["applicant"].items():
            self._add(phrases, "applicant", group, APPLICANT_GROUP_LABELS[group], 4)
        self._add(language["filler"], "filler", "", "", 5)
        self._longest = max(map(len, self._words))
        self._tree = lexicon.tree
        self._catalogue = "\n".join(fold(text) for item in lexicon.items for text in item.texts)

    def _add(self, words: Iterable[str], kind: str, value: str, label: str, rank: int) -> None:
        for word in words:
            self._words.setdefault(fold(word), []).append(_Entry(kind, value, label, rank))

    def _add_divisions(self, lexicon: Lexicon) -> None:
        for division in lexicon.divisions:
            names = [division.name, *division.aliases]
            if division.level == "street":
                # 新华, 建设 and their like are everyday words; a street must be named in full.
                names = [n for n in names if len(n) >= _SHORT_STREET and n.endswith(("街道", "办事处", "镇", "乡"))]
            self._add(names, "division", division.code, division.name, 1)

    def _add_departments(self, lexicon: Lexicon) -> None:
        for sector, names in lexicon.sector_aliases.items():
            self._add(names, "department", sector, sector, 2)
        for department in lexicon.departments:
            self._add([department.name], "department", department.code, department.name, 2)

    def read(self, text: str) -> Understood:
        """Understand a query. Never raises: what is not understood stays text."""
        folded = fold(text)
        inside = self._inside_words(folded)
        chips: list[Chip] = []
        rest: list[str] = []
        position = 0
        while position < len(folded):
            end, entries = self._match(folded, position, inside)
            if not entries:
                rest.append(folded[position])
                position += 1
                continue
            kind = entries[0].kind
            if kind == "division":
                end += next((len(word) for word in self._followers if folded.startswith(word, end)), 0)
            chip = self._chip(entries, folded, position, end, chips)
            if chip is not None:
                chips.append(chip)
            # A second thing that is asked has no chip of its own, but is no content either.
            is_content = chip is None and kind not in ("filler", "aspect")
            rest.append(folded[position:end] if is_content else " ")
            position = end
        left = self._without_bare(" ".join(_PUNCTUATION.sub(" ", "".join(rest)).split()))
        if not left and not any(chip.kind in ("division", "department") for chip in chips):
            # Nothing but manners of speaking: better to match them as they are than nothing at all.
            return Understood(folded, folded, ())
        return Understood(folded, left, tuple(chips))

    def _inside_words(self, folded: str) -> frozenset[int]:
        """Positions in the middle of a word, where nothing understood may begin or end (开网吧 ends with no 吧)."""
        spans = self._analyzer.query_spans(folded)
        return frozenset(position for _token, start, end in spans for position in range(start + 1, end))

    def _match(self, folded: str, position: int, inside: frozenset[int]) -> tuple[int, list[_Entry]]:
        """The longest entry that begins here and means what it says: (end, entries)."""
        for length in range(min(self._longest, len(folded) - position), 0, -1):
            end = position + length
            entries = self._words.get(folded[position:end])
            if entries and self._fits(entries[0], folded, position, end, inside):
                return end, entries
        return position, []

    def _fits(self, entry: _Entry, folded: str, start: int, end: int, inside: frozenset[int]) -> bool:
        """Whether a word means here what the entry says, and is not part of a longer word or name."""
        word, after = folded[start:end], folded[end:]
        if word.isascii() and _joins(folded, start, end):
            return False
        if entry.kind == "division":
            if word not in self._ambiguous:
                return True
            alone = start == 0 and (not after or not is_han(after[0]))
            return alone or after.startswith(self._followers) or (start > 0 and folded[start - 1] == " ")
        if word in self._anywhere:
            return True
        if end in inside or (start in inside and entry.kind != "aspect"):
            return False
        if word in self._final_only:
            return not after or not is_han(after[0])
        if entry.kind == "applicant":
            # 个人参保证明, 企业年报: the catalogue knows the longer phrase, so the word is content.
            longer = folded[max(0, start - 1) : end] if start and is_han(folded[start - 1]) else ""
            onward = folded[start : end + 1] if after and is_han(after[0]) else ""
            return not ((longer and longer in self._catalogue) or (onward and onward in self._catalogue))
        return True

    def _chip(self, entries: list[_Entry], folded: str, start: int, end: int, chips: list[Chip]) -> Chip | None:
        entry = min(entries, key=lambda e: e.rank)
        if entry.kind == "filler":
            return None
        present = next((chip for chip in chips if chip.kind == entry.kind), None)
        if entry.kind == "division":
            entry = self._division_entry(entries, chips)
            if present is not None:
                if not self._is_below(entry.value, present.value):
                    return None
                # 道里区兆麟街道: the street says more than the district, and stands for both.
                chips.remove(present)
                start = present.start if folded[present.end : start].strip() == "" else start
        elif present is not None:
            return None
        values = {e.value for e in entries if e.kind == entry.kind}
        value = entry.value if entry.kind == "division" else "|".join(sorted(values))
        labels = dict.fromkeys(e.label for e in entries if e.kind == entry.kind)
        label = entry.label if entry.kind == "division" else "、".join(labels)
        return Chip(entry.kind, value, label, folded[start:end], start, end)  # type: ignore[arg-type]

    def _division_entry(self, entries: list[_Entry], chips: list[Chip]) -> _Entry:
        """Of several places of one name: the one below a place already named, else the highest and first."""
        divisions = [e for e in entries if e.kind == "division"]
        named = next((chip.value for chip in chips if chip.kind == "division"), None)
        within = [e for e in divisions if named and self._is_below(e.value, named)]
        return min(within or divisions, key=lambda e: (len(e.value), e.value))

    def _is_below(self, code: str, ancestor: str) -> bool:
        return ancestor in self._tree.ancestors(code)[1:]

    def _without_bare(self, text: str) -> str:
        words = [word for word in text.split() if word not in self._bare]
        return " ".join(words)


ASPECT_LABELS: dict[str, str] = {
    "materials": "申请材料",
    "fee": "收费",
    "time": "办理时限",
    "place": "办理地点",
    "phone": "咨询电话",
    "condition": "受理条件",
    "progress": "办理进度",
}


def _joins(folded: str, start: int, end: int) -> bool:
    """Whether an ASCII word is part of a longer one."""
    before = folded[start - 1] if start else " "
    after = folded[end] if end < len(folded) else " "
    return (before.isascii() and before.isalnum()) or (after.isascii() and after.isalnum())
