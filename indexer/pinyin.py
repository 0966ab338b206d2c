"""Sounds of Chinese text, for suggestions typed as pinyin or as initials."""

from __future__ import annotations

from functools import lru_cache

from pypinyin import Style, lazy_pinyin

from indexer.folding import fold


@lru_cache(maxsize=50_000)
def syllables(text: str) -> tuple[str, ...]:
    """Toneless syllables of a text; runs of other letters and digits stay whole. ü is written v."""
    return tuple(s for s in lazy_pinyin(fold(text), style=Style.NORMAL, v_to_u=False, errors=_keep_letters) if s)


def initials(text: str) -> str:
    """The first letters of the syllables: 营业执照 -> yyzz. Letters and digits stay as they are."""
    return "".join(s[0] if s.isalpha() and s.isascii() else s for s in syllables(text))


def _keep_letters(chars: str) -> str:
    return "".join(char for char in chars if char.isalnum())
