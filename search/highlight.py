"""Which characters of a text to mark: those that match words of the query."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def spans(text: str, tokens: Iterable[str]) -> list[Span]:
    """Where ``tokens`` occur in ``text``, as merged (start, end) pairs in order. Case is ignored."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text
    found: list[Span] = []
    for token in set(tokens):
        start = lowered.find(token) if token else -1
        while start >= 0:
            found.append((start, start + len(token)))
            start = lowered.find(token, start + len(token))
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
