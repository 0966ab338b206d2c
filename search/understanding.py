"""From one line of words to a query with evidence: where, who handles it, who applies, what about it, and the rest.

Every extraction keeps its words, so a page can show it as a chip and take it away again. All names come from the
lexicon, all ways of speaking from language.yaml; the code knows no city.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Literal

import yaml

from guides.vocabulary import APPLICANT_GROUP_LABELS
from indexer.analysis import Analyzer
from indexer.folding import fold, is_han
from indexer.lexicon import Lexicon

ChipKind = Literal["division", "department", "applicant", "aspect"]
_STREET_ENDINGS = ("街道", "办事处", "镇", "乡")
_FORMAL_ENDINGS = ("区", "县", "市", *_STREET_ENDINGS)
_FORMAL_LENGTH = 3
_SHORT_STREET = 3
_COMMON_WORD = 100
"""Frequency in jieba's dictionary from which a street's short name is an everyday word (火车头, 松花江)."""
_NO_WORD = 10
"""Below this frequency two characters are hardly a word: jieba knows many a name by its texts (兆麟, 靖宇)."""
_RARE_WORD = 50
"""Words up to this frequency are not looked for across the edge of a name (证道, 领道)."""
_AUTHORITY_LENGTH = 3
_PUNCTUATION = re.compile(r"[^\w\s]")


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing understood: its kind, its value, how to show it, the words it came from and where they stood.

    It has several ``spans`` where it was said more than once or in parts (道里区 ... 兆麟街道), so that taking it off
    takes all of it off.
    """

    kind: ChipKind
    value: str
    label: str
    words: str
    spans: tuple[tuple[int, int], ...]


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
        for start, end in sorted((span for chip in chips for span in chip.spans), reverse=True):
            text = f"{text[:start]} {text[end:]}"
        return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    value: str
    label: str
    rank: int


@dataclass(frozen=True, slots=True)
class _Match:
    """Words that stand for something, all of one kind; several entries where several things bear one name."""

    start: int
    end: int
    kind: str
    entries: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True)
class _Context:
    """What is known while a query is read: where its words are cut, what was matched last, and how far that went."""

    folded: str
    before: dict[int, str]
    """jieba's word that ends at a position."""
    after: dict[int, str]
    """jieba's word that begins at a position."""
    inside: frozenset[int]
    """Positions in the middle of a word, where nothing understood may begin or end (开网吧 ends with no 吧)."""
    last: _Match | None = None

    def is_edge(self, position: int) -> bool:
        """Whether what was understood before ends here."""
        return self.last is not None and self.last.kind != "content" and self.last.end == position


class Understanding:
    """Reads queries with the words of one lexicon. Immutable; make one when the lexicon changes."""

    _REACH = 4
    """How many characters before a name a word that goes over its edge may hold."""
    _WINDOW = 8
    """How many characters after a name tell where the next word begins."""

    def __init__(self, lexicon: Lexicon, analyzer: Analyzer) -> None:
        language: dict[str, Any] = yaml.safe_load(
            resources.files("search").joinpath("language.yaml").read_text(encoding="utf-8")
        )
        self._analyzer = analyzer
        self.weak: frozenset[str] = frozenset(language["weak"]) | frozenset(language["bare"])
        """Words that say little about what is wanted, though they may stand in names."""
        self._words: dict[str, list[_Entry]] = {}
        self._final_only = frozenset(language["final_only"])
        self._changing = tuple(language["changing"])
        self._anywhere = frozenset(language["anywhere"])
        self._ambiguous = frozenset(language["ambiguous_places"])
        self._followers = tuple(language["place_followers"])
        self._no_place_before = tuple(language["no_place_before"])
        self._origins = tuple(language["origins"])
        self._roads = tuple(language["roads"])
        self._papers = tuple(language["papers"])
        self._bare = frozenset(language["bare"])
        self._leading = tuple(language["leading"])
        self._trailing = tuple(language["trailing"])
        self._tree = lexicon.tree
        self._within: frozenset[str] = frozenset()
        self._add_divisions(lexicon)
        self._add_departments(lexicon)
        for aspect, phrases in language["aspect"].items():
            self._add(phrases, "aspect", aspect, ASPECT_LABELS[aspect], 3)
        for group, phrases in language["applicant"].items():
            self._add(phrases, "applicant", group, APPLICANT_GROUP_LABELS[group], 4)
        self._add(language["filler"], "filler", "", "", 5)
        self._add(language["content"], "content", "", "", 0)
        self._add_names_of_items(lexicon)
        self._longest = max(map(len, self._words))
        self._catalogue = "\n".join(fold(text) for item in lexicon.items for text in item.texts)

    def _add(self, words: Iterable[str], kind: str, value: str, label: str, rank: int) -> None:
        for word in words:
            self._words.setdefault(fold(word), []).append(_Entry(kind, value, label, rank))

    def _add_divisions(self, lexicon: Lexicon) -> None:
        within: set[str] = set()
        for division in lexicon.divisions:
            names = [division.name, *division.aliases]
            if division.level == "street":
                # 新华, 建设 and their like are everyday words: such a street must be named in full. A name that is no
                # word of the language may be short (亚布力), after its own district even of two characters (道里兆麟).
                full = [n for n in names if len(n) >= _SHORT_STREET and n.endswith(_STREET_ENDINGS)]
                short = [n for n in names if n not in full and not n.endswith(self._roads)]
                rare = [n for n in short if len(n) >= _SHORT_STREET and self._analyzer.frequency(n) < _COMMON_WORD]
                new = [n for n in short if len(n) < _SHORT_STREET and self._analyzer.frequency(n) < _NO_WORD]
                within.update(map(fold, new))
                names = [*full, *rare, *new]
            self._add(names, "division", division.code, division.name, 1)
        self._within = frozenset(within)

    def _add_departments(self, lexicon: Lexicon) -> None:
        for sector, names in lexicon.sector_aliases.items():
            self._add(names, "department", sector, sector, 2)
        known = {(sector, fold(name)) for sector, names in lexicon.sector_aliases.items() for name in names}
        for department in lexicon.departments:
            division = self._tree.by_code.get(department.division_code)
            if division is None or division.level == "street":
                # A street's office is the street itself: 兆麟街道办事处 is a place.
                continue
            # 哈尔滨市道里区民政局 names a place and a line of government: without the place it is everyone's 民政局.
            places = [
                name
                for code in self._tree.ancestors(department.division_code)
                for name in (self._tree.by_code[code].name, *self._tree.by_code[code].aliases)
            ]
            pattern = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
            authority = max(re.split(pattern, department.name), key=len)
            key = (department.sector, fold(authority))
            if len(authority) >= _AUTHORITY_LENGTH and key not in known:
                known.add(key)
                self._add([authority], "department", department.sector, department.sector, 2)

    def _add_names_of_items(self, lexicon: Lexicon) -> None:
        """An official name said whole is content, whatever words of ours it holds (停车收费标准核定)."""
        ours = {word for word, entries in self._words.items() if entries[0].kind in ("aspect", "applicant", "filler")}
        names = {fold(item.name) for item in lexicon.items}
        held = [name for name in names if name not in self._words and any(word in name for word in ours)]
        self._add(held, "content", "", "", 0)

    def read(self, text: str) -> Understood:
        """Understand a query. Never raises: what is not understood stays text."""
        folded = fold(text)
        spans = self._analyzer.known_spans(folded)
        inside = frozenset(position for _token, start, end in spans for position in range(start + 1, end))
        before = {end: token for token, _start, end in spans}
        after = {start: token for token, start, _end in spans}
        matches = self._matches(_Context(folded, before, after, inside))
        chips: list[Chip] = []
        taken: set[_Match] = {match for match in matches if match.kind in ("filler", "aspect")}
        # A second thing that is asked has no chip of its own, but is no content either.
        for kind in ("division", "department", "applicant", "aspect"):
            of_kind = [match for match in matches if match.kind == kind]
            if of_kind:
                chip, used = self._place(of_kind, folded) if kind == "division" else _first(of_kind, folded)
                chips.append(chip)
                taken.update(used)
        chips.sort(key=lambda chip: chip.spans)
        left = self._left(folded, [match for match in matches if match in taken], inside)
        if not left and not any(chip.kind in ("division", "department") for chip in chips):
            # Nothing but manners of speaking: better to match them as they are than nothing at all.
            return Understood(folded, folded, ())
        return Understood(folded, left, tuple(chips))

    def _matches(self, context: _Context) -> list[_Match]:
        """What stands for something, from left to right, the longest at each position."""
        matches: list[_Match] = []
        position = 0
        while position < len(context.folded):
            match = self._match(context, position)
            if match is None:
                position += 1
            else:
                matches.append(match)
                context = replace(context, last=match)
                position = match.end
        return matches

    def _match(self, context: _Context, start: int) -> _Match | None:
        """The longest entry that begins here and means what it says."""
        folded = context.folded
        for length in range(min(self._longest, len(folded) - start), 0, -1):
            end = start + length
            entries = self._words.get(folded[start:end])
            if not entries:
                continue
            kind = min(entries, key=lambda e: e.rank).kind
            if folded[start:end] in self._final_only and folded[:start].endswith(self._changing):
                # 改联系电话: the thing itself is wanted changed, and no shorter word in it is asked for.
                kind = "content"
            if not self._fits(kind, context, start, end):
                continue
            if kind == "division":
                end = self._with_follower(context, end)
            return _Match(start, end, kind, tuple(entry for entry in entries if entry.kind == kind))
        return None

    def _fits(self, kind: str, context: _Context, start: int, end: int) -> bool:
        """Whether a word means here what the entry says, and is not part of a longer word or name."""
        folded, inside = context.folded, context.inside
        word, after = folded[start:end], folded[end:]
        if word.isascii() and _joins(folded, start, end):
            return False
        if kind == "content":
            return True
        if kind == "division":
            return self._is_place(context, start, end)
        if word in self._anywhere:
            return True
        if end in inside or (start in inside and kind != "aspect"):
            return False
        if word in self._final_only:
            return self._is_over(context, word, end)
        if kind == "department":
            # 派出所开的证明丢了: a paper they once gave is wanted, and not they.
            return not after.startswith(self._papers)
        if kind == "applicant":
            # 个人参保证明, 企业年报: the catalogue knows the longer phrase, so the word is content.
            longer = folded[max(0, start - 1) : end] if start and is_han(folded[start - 1]) else ""
            onward = folded[start : end + 1] if after and is_han(after[0]) else ""
            return not ((longer and longer in self._catalogue) or (onward and onward in self._catalogue))
        return True

    def _is_place(self, context: _Context, start: int, end: int) -> bool:
        """Whether the name of a division means the division, and not a word, a road, or where someone came from."""
        folded = context.folded
        word, before, after = folded[start:end], folded[:start], folded[end:]
        is_edge = context.is_edge(start)
        if not is_edge and before.endswith(self._origins):
            return False
        if word in self._within:
            return self._is_below_last(context, start, word) and end not in context.inside
        if word in self._ambiguous:
            begins = not before or is_edge or not is_han(before[-1])
            ends = not after or not is_han(after[0]) or after.startswith(self._followers)
            ends = ends or self._begins_department(context, end)
            return (begins and ends) or (before.endswith("在") and not after.startswith(self._no_place_before))
        if len(word) >= _FORMAL_LENGTH and word.endswith(_FORMAL_ENDINGS):
            # 尚志市政设施 is about 尚志, and not about 尚志市; a shorter name will be tried next.
            is_firm = word[:-1] not in self._words or after.startswith(self._followers)
            return is_firm or not self._is_part_of_word_after(context, end)
        is_cut = end in context.inside and f"{word}{after[:1]}" not in self._words
        if is_cut or (not is_edge and start in context.inside):
            return False
        road = next((road for road in self._roads if after.startswith(road)), "")
        if road and end + len(road) not in context.inside:
            return False
        # 不知道外地 holds no 道外.
        return is_edge or not self._is_part_of_word_before(context, start, end)

    def _begins_department(self, context: _Context, start: int) -> bool:
        """Whether an authority is named here: 平房民政局 is in 平房."""
        return any(
            entry.kind == "department" and end not in context.inside
            for end in range(start + 1, min(len(context.folded), start + self._longest) + 1)
            for entry in self._words.get(context.folded[start:end], ())
        )

    def _is_part_of_word_before(self, context: _Context, start: int, end: int) -> bool:
        """Whether a name begins with the end of a word of the language likelier than the word before the name."""
        crossing = max(
            (
                self._analyzer.frequency(context.folded[begin:middle])
                for begin in range(max(0, start - self._REACH), start)
                for middle in range(start + 1, end)
            ),
            default=0,
        )
        # A single character stands before a name by mere chance (街 + 道里): it weighs nothing.
        word = context.before.get(start, "")
        return crossing > max(_RARE_WORD, self._analyzer.frequency(word) if len(word) > 1 else 0)

    def _is_part_of_word_after(self, context: _Context, end: int) -> bool:
        """Whether the last character of a name rather begins the next word (尚志市政设施 is 尚志 and 市政设施)."""
        first = self._analyzer.known_spans(context.folded[end - 1 : end + self._WINDOW])[:1]
        return any(len(token) > 1 and self._analyzer.frequency(token) >= _COMMON_WORD for token, _start, _end in first)

    def _is_below_last(self, context: _Context, start: int, word: str) -> bool:
        """Whether the place just named is above one of this name."""
        last = context.last
        if last is None or last.kind != "division" or context.folded[last.end : start].strip():
            return False
        return any(self._is_below(e.value, above.value) for e in self._words[word] for above in last.entries)

    def _with_follower(self, context: _Context, end: int) -> int:
        """Where a place ends together with what belongs to it (这边, 政府附近), unless that begins something longer."""
        folded = context.folded
        follower = next((word for word in self._followers if folded.startswith(word, end)), "")
        stop = end + len(follower)
        further = range(stop + 1, min(len(folded), end + self._longest) + 1)
        is_longer = any(folded[end:edge] in self._words for edge in further)
        # 那 may begin a word that is not in our lists (那么), longer followers are clear.
        if not follower or is_longer or (len(follower) == 1 and stop in context.inside):
            return end
        return self._with_follower(context, stop)

    def _is_over(self, context: _Context, word: str, end: int) -> bool:
        """Whether neither content nor a question follows directly: no words, a filler, a place, a department."""
        folded = context.folded
        while folded.startswith(word, end):
            # 材料材料: said twice it is still the last word.
            end += len(word)
        if end == len(folded) or not is_han(folded[end]):
            return True
        for further in range(end + 1, min(len(folded), end + self._longest) + 1):
            entries = self._words.get(folded[end:further])
            # 社保卡电话要啥材料: what is asked follows, so this is what it is asked about.
            if entries and further not in context.inside and entries[0].kind not in ("content", "aspect"):
                return True
        return False

    def _place(self, matches: list[_Match], folded: str) -> tuple[Chip, list[_Match]]:
        """The place that is meant, and the words that say it.

        Of places above each other the lowest counts, and what was said of those above it belongs to it; of two
        different places the first counts, and the other stays content. Of several places of one name it is the one
        below a place that is named as well, else the highest and first.
        """
        used = [matches[0]]
        codes = {entry.value: entry.label for entry in matches[0].entries}
        for match in matches[1:]:
            said = {entry.value: entry.label for entry in match.entries}
            same = {code: label for code, label in codes.items() if code in said}
            lower = {c: label for c, label in said.items() if any(self._is_below(c, above) for above in codes)}
            upper = {c: label for c, label in codes.items() if any(self._is_below(c, above) for above in said)}
            if same or lower or upper:
                codes = lower or same or upper
                used.append(match)
        value = min(codes, key=lambda code: (len(code), code))
        return _chip("division", value, codes[value], used, folded), used

    def _is_below(self, code: str, ancestor: str) -> bool:
        return ancestor in self._tree.ancestors(code)[1:]

    def _left(self, folded: str, taken: list[_Match], inside: frozenset[int]) -> str:
        """What remains without what was understood, and without what only joined it to the rest (的, 在)."""
        kept: list[str] = []
        position = 0
        for match in [*taken, None]:
            start, end = position, match.start if match else len(folded)
            if position:
                while start < end and not folded[start].isalnum():
                    start += 1
                word = next((word for word in self._leading if folded.startswith(word, start)), "")
                start += len(word) if start + len(word) not in inside else 0
            if match:
                word = next((word for word in self._trailing if folded.endswith(word, start, end)), "")
                end -= len(word) if end - len(word) not in inside else 0
                position = match.end
            kept.append(folded[start:end])
        words = _PUNCTUATION.sub(" ", " ".join(kept)).split()
        return " ".join(word for word in words if word not in self._bare)


def _first(matches: list[_Match], folded: str) -> tuple[Chip, list[_Match]]:
    """The first thing of a kind, with all the words that say the same."""
    first = matches[0]
    values = {entry.value: entry.label for entry in first.entries}
    used = [match for match in matches if {entry.value for entry in match.entries} == set(values)]
    if first.kind == "applicant":
        # 我司要换企业法人: who applies is said once, and 法人 is what about.
        words = folded[first.start : first.end]
        used = [match for match in used if folded[match.start : match.end] == words]
    kind: ChipKind = first.kind  # type: ignore[assignment]
    return _chip(kind, "|".join(sorted(values)), "、".join(dict.fromkeys(values.values())), used, folded), used


def _chip(kind: ChipKind, value: str, label: str, used: list[_Match], folded: str) -> Chip:
    spans: list[tuple[int, int]] = []
    for match in used:
        if spans and not folded[spans[-1][1] : match.start].strip():
            spans[-1] = (spans[-1][0], match.end)
        else:
            spans.append((match.start, match.end))
    words = " ".join(folded[start:end] for start, end in spans)
    return Chip(kind, value, label, words, tuple(spans))


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
