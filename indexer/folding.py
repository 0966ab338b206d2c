"""One spelling for everything: full-width forms, traditional characters, case, numerals and stray characters.

Guides and queries are folded by the same function, so what differs only in form meets in the index.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import cn2an
import opencc

_TRADITIONAL = opencc.OpenCC("t2s")
_PLACE_AFTER_MONTH = "街路巷桥镇乡村屯庄寨坊园湾湖河山"
"""三月街 is a name and no month: it is said and typed as it is written."""
_NUMERAL = re.compile(
    r"([零〇一二两三四五六七八九十百千万]+)"
    rf"(?=周?岁|年|个月|月(?![{_PLACE_AFTER_MONTH}])|天|个?工作日|元|万元|孩|胎|级|类|代|口人|平方|公里|吨|号|本)"
)
_TENS = re.compile(
    r"(?<![零〇一二两三四五六七八九十百千万])[二三四五六七八九]十[一二三四五六七八九]?(?![零〇一二两三四五六七八九十百千万])"
)
"""八十 is a number wherever it stands (过八十能领啥), 一百 and 十一 need not be."""
_SPACES = re.compile(r"\s+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """The canonical form of a text: NFKC, simplified characters, lower case, digits for counted numerals.

    Half surrogates, control and format characters become spaces; runs of white space become one. Never raises.
    """
    text = unicodedata.normalize("NFKC", text)
    text = "".join(" " if unicodedata.category(char) in _DROPPED else char for char in text)
    text = _TRADITIONAL.convert(text).lower()
    text = _TENS.sub(_digits, _NUMERAL.sub(_digits, text))
    return _SPACES.sub(" ", text).strip()


_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn", "So"}


def _digits(match: re.Match[str]) -> str:
    """二十四 -> 24 before a unit. A lone 万, 千 or 百 is a word (千万, 百万), not a number to be counted."""
    numeral = match.group()
    if numeral[0] in "百千万":
        return numeral
    try:
        return str(int(cn2an.cn2an(numeral.replace("〇", "零"), "smart")))
    except ValueError:
        return numeral


def is_han(char: str) -> bool:
    """Whether a character is a Chinese ideograph."""
    return bool(_HAN.match(char))
