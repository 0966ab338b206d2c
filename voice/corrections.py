"""People correct themselves while they speak: 补身份证，哦不对，补户口本. What counts is what they said last.

A bare 不对 or 不是 is left alone, since it is often the matter itself (登记信息不对怎么改).
"""

from __future__ import annotations

import re

_CORRECTIONS = re.compile(
    r"[哦噢啊哎嗯]不对(?:不对)?|不对不对|不是不是|[哦噢啊哎]不是|(?:我|嘴)?说错了|(?:不对|不是|错了|不)?我是(?:说|想说)|[哦噢]不"
)
_LEAST = 2
"""Characters that a correction must have; with fewer, what looked like one was none."""


def corrected(text: str) -> str:
    """A spoken query without what its speaker took back."""
    parts = _CORRECTIONS.split(text)
    return parts[-1] if len(parts) > 1 and len(parts[-1]) >= _LEAST else text
