"""Sounds of Chinese text: for what is typed as pinyin or as initials, and for what was heard or typed wrongly.

Three views of a text: its toneless syllables; its initials; and its *sounds*, syllables in which those that Mandarin
speakers and recognizers confuse are one (zh/z, ch/c, sh/s; n/l/r; f/h; an/ang, en/eng, in/ing).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PINYIN_DICT

from indexer.folding import fold, is_han

MAX_INITIALS = 10
MIN_INITIALS = 2
_INITIAL = re.compile(r"zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?")
_VOWEL = re.compile(r"[aeiouv]")
_ONE_INITIAL = {"zh": "z", "ch": "c", "sh": "s", "n": "l", "r": "l", "f": "h"}
_LONGEST_SYLLABLE = 6
_TONES = str.maketrans("āáǎàēéěèếềểīíǐìōóǒòūúǔùǖǘǚǜüńňǹḿ", "aaaaeeeeeeeiiiioooouuuuvvvvvnnnm")


@lru_cache(maxsize=50_000)
def syllables(text: str) -> tuple[str, ...]:
    """Toneless syllables of a text; runs of other letters and digits stay whole. ü is written v."""
    return tuple(s for s in lazy_pinyin(fold(text), style=Style.NORMAL, v_to_u=False, errors=_keep_letters) if s)


def initials(text: str) -> str:
    """The first letters of the syllables: 营业执照 -> yyzz. Letters and digits stay as they are."""
    return "".join(s[0] if s.isalpha() and s.isascii() else s for s in syllables(text))


@lru_cache(maxsize=2_000)
def sound(syllable: str) -> str:
    """The syllable with everything confusable made one: zhang and zan are both zan."""
    head = _INITIAL.match(syllable)
    start = head.group() if head else ""
    rest = syllable[len(start) :]
    if rest.endswith("ng") and not rest.endswith("ong"):
        rest = rest[:-1]
    return _ONE_INITIAL.get(start, start) + rest


def sounds(text: str) -> list[str]:
    """The sounds of a text's Chinese characters and of what in it is written as pinyin, in order.

    Anything else (digits, words of other languages) is left out: it is matched by its letters.
    """
    found: list[str] = []
    for run, han in runs(fold(text)):
        if han:
            found += map(sound, syllables(run))
        else:
            found += map(sound, split_pinyin(run) or ())
    return found


def sound_pairs(in_order: Iterable[str]) -> Iterator[str]:
    """Overlapping pairs of sounds as tokens; one sound alone gives itself."""
    listed = list(in_order)
    if len(listed) == 1:
        yield listed[0]
    for first, second in itertools.pairwise(listed):
        yield f"{first}.{second}"


def runs(folded: str) -> Iterator[tuple[str, bool]]:
    """A folded text cut into runs of Chinese characters (True) and of Latin letters (False); the rest is left out."""
    for match in re.finditer(r"[a-z']+|[^\x00-\x7f]+", folded):
        run = match.group()
        if run[0].isascii():
            yield run.replace("'", ""), False
        else:
            kept = "".join(char for char in run if is_han(char))
            if kept:
                yield kept, True


@lru_cache(maxsize=10_000)
def split_pinyin(letters: str) -> tuple[str, ...] | None:
    """Letters as pinyin syllables, as few as possible (yingyezhizhao -> ying ye zhi zhao); None where they are none."""
    best: list[tuple[str, ...] | None] = [()] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - _LONGEST_SYLLABLE), end):
            before = best[start]
            if before is None or letters[start:end] not in _all_syllables():
                continue
            current = best[end]
            if current is None or len(before) + 1 < len(current):
                best[end] = (*before, letters[start:end])
    return best[-1] or None


@cache
def _all_syllables() -> frozenset[str]:
    """Every toneless syllable of Mandarin that is typed. A lone letter other than a and e is none: it is an initial."""
    plain = {reading.translate(_TONES) for readings in PINYIN_DICT.values() for reading in readings.split(",")}
    return frozenset(s for s in plain if s.isascii() and _VOWEL.search(s) and (len(s) > 1 or s in "ae"))


def initials_of_words(words: list[str]) -> Iterator[str]:
    """The initials of every run of words: [办, 营业, 执照] -> byy, byyzz, yy, yyzz, zz."""
    heads = [initials(word) for word in words]
    for start in range(len(heads)):
        joined = ""
        for head in heads[start:]:
            joined += head
            if len(joined) > MAX_INITIALS:
                break
            if len(joined) >= MIN_INITIALS:
                yield joined


def _keep_letters(chars: str) -> str:
    return "".join(char for char in chars if char.isalnum())
