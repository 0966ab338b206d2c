"""A beginning as it was typed (characters, pinyin, initials, or all of them mixed), read against a text's syllables.

For what neither begins with the characters nor with the pinyin, a text is written as a *line*: each Chinese character
followed by its syllable (营ying业ye执zhi照zhao), each run of other letters after a dot. On a line, ``营业zz``,
``yingyezz`` and ``yyzz`` are one regular expression each.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from operator import add

from indexer import pinyin
from indexer.folding import fold, is_han
from search.highlight import Span

_NOT_SPELLED = re.compile(r"[\W_]+")
_LETTER = re.compile(r"[a-z0-9]")
_UNIT = re.compile(r"[a-z0-9]+|[^a-z0-9]")
_HEARD = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9]+")
_MARKED_LETTER = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")
_TONE_MARKS = re.compile(r"[\u0300-\u036f]")
_REST = "[a-z0-9]*"
_MARKER = "[^a-z0-9]"
_OTHER = "·"


def squeezed(text: str) -> str:
    """A text folded, its letters, digits and characters only, without tones: yíngyè is yingye, lǜ is lv."""
    folded = fold(text)
    if _MARKED_LETTER.search(folded):
        apart = unicodedata.normalize("NFD", folded).replace("u\u0308", "v")
        folded = unicodedata.normalize("NFC", _TONE_MARKS.sub("", apart))
    return folded if folded.isalnum() else _NOT_SPELLED.sub("", folded)


def is_mixed(typed: str) -> bool:
    """Whether there are characters and letters in it."""
    return any(map(is_han, typed)) and bool(_LETTER.search(typed))


def syllables_typed(letters: str) -> tuple[str, ...]:
    """Letters as syllables of which the last may be a beginning: yingyezh -> ying ye zh; () where they are none."""
    for end in range(len(letters), 0, -1):
        whole = pinyin.split_pinyin(letters[:end])
        if whole is not None:
            return whole if end == len(letters) else (*whole, letters[end:])
    return ()


def sounds_typed(typed: str) -> tuple[str, ...]:
    """What was typed as sounds (see indexer.pinyin), the last perhaps a beginning; () where it cannot be spoken."""
    found: list[str] = []
    for run in _HEARD.findall(typed):
        if not run.isascii():
            parts = pinyin.syllables(run)
        elif run.isdecimal():
            parts = (run,)
        else:
            parts = syllables_typed(run)
        if not parts:
            return ()
        found += map(pinyin.sound, parts)
    return tuple(found)


def sounds_of(syllables: str) -> str:
    """The sounds of syllables with spaces between, likewise."""
    return " ".join(map(pinyin.sound, syllables.split()))


def line(text: str, syllables: str) -> str:
    """The text as a line (above); empty where the syllables are not those of the characters (numerals read apart)."""
    tokens = syllables.split()
    if len(tokens) == len(text) and not _LETTER.search(text):
        return "".join(map(add, text, tokens))
    spans = _token_spans(text)
    if len(spans) != len(tokens):
        return ""
    return "".join(
        (text[start] if is_han(text[start]) else _OTHER) + token
        for (start, _end), token in zip(spans, tokens, strict=True)
    )


def mixed_pattern(typed: str) -> re.Pattern[str]:
    """What a line must hold for characters and letters mixed; letters are syllables, beginnings of them, initials."""
    parts = []
    for unit in _UNIT.findall(typed):
        if unit.isascii():
            parts.append(_MARKER + f"(?:{_REST}{_MARKER})?".join(unit) + _REST)
        else:
            parts.append(re.escape(unit) + _REST)
    return re.compile("".join(parts).removesuffix(_REST))


def shortened_pattern(letters: str) -> re.Pattern[str]:
    """What a line break, then syllables each after a space, must begin with for letters that shorten some of them."""
    return re.compile("\n " + f"(?:{_REST} )?".join(letters))


def marks(text: str, syllables: str, typed: str) -> list[Span]:
    """Which part of a text was typed, as one (start, end) pair of characters; none where it cannot be told."""
    start = text.lower().find(typed)
    if start >= 0 and len(text.lower()) == len(text):
        return [(start, start + len(typed))]
    found = _marked(text, syllables, mixed_pattern(typed))
    if not found and (sounds := sounds_typed(typed)):
        heard = re.compile(f"(?![a-z0-9]){_MARKER}".join(map(re.escape, ("", *sounds))).removeprefix("(?![a-z0-9])"))
        found = _marked(text, sounds_of(syllables), heard)
    return found


def _marked(text: str, syllables: str, pattern: re.Pattern[str]) -> list[Span]:
    written = line(text, syllables)
    match = pattern.match(written) or pattern.search(written)
    if match is None:
        return []
    spans = _token_spans(text)
    lengths = map(len, syllables.split())
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + 1 + length)
    return [(spans[_at(starts, match.start())][0], spans[_at(starts, match.end() - 1)][1])]


def _at(starts: Sequence[int], position: int) -> int:
    return bisect_right(starts, position) - 1


def _token_spans(text: str) -> list[Span]:
    """Where the text's syllables are: one for each Chinese character, one for each run between them that has a letter
    or a digit."""
    spans: list[Span] = []
    run: int | None = None
    for position, char in enumerate(text):
        if is_han(char):
            spans.append((position, position + 1))
            run = None
        elif char.isalnum():
            if run is None:
                run = len(spans)
                spans.append((position, position + 1))
            else:
                spans[run] = (spans[run][0], position + 1)
    return spans
