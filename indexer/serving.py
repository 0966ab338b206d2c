"""Which guide serves which division: resolved once, when indexing, so that a search filters on a single term.

For every division the nearest guide of a service counts: its own, else its district's, else the city's. Where a
service is handled only further down (the person's district is unknown), one guide below represents it, and whoever
shows it asks for the district.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guides import document


class DivisionTree:
    """Divisions with their parents; parents before children."""

    def __init__(self, divisions: Iterable[document.Division]) -> None:
        self.by_code = {division.code: division for division in divisions}
        self.children: dict[str | None, list[str]] = defaultdict(list)
        for division in self.by_code.values():
            self.children[division.parent_code].append(division.code)

    @property
    def root(self) -> str | None:
        """The code of the division that has no parent; None where there are no divisions."""
        return next((code for code, division in self.by_code.items() if division.parent_code is None), None)

    def ancestors(self, code: str) -> list[str]:
        """The division itself, then its parents up to the root."""
        chain: list[str] = []
        current: str | None = code
        while current is not None and current in self.by_code and current not in chain:
            chain.append(current)
            current = self.by_code[current].parent_code
        return chain


@dataclass(frozen=True, slots=True)
class Serving:
    """The divisions that a guide serves. ``represents`` are those of them where it only stands for others below."""

    serves: tuple[str, ...]
    represents: tuple[str, ...]


def service_key(guide_code: str, item_code: str) -> str:
    """What counts as one service: the item, with the 业务办理项 (characters 32, 33 of the code) if there is one."""
    return item_code + (guide_code[31:33] if len(guide_code) == 33 else "")


def resolve(tree: DivisionTree, places: Sequence[tuple[str, str]]) -> dict[str, Serving]:
    """Serving of each guide of one service, from its guides' (code, division code).

    Two authorities that handle the same service in the same division both serve it.
    """
    at: dict[str, list[str]] = defaultdict(list)
    for code, division in sorted(places):
        at[division].append(code)
    below: dict[str, str] = {}
    for division in sorted(at, key=lambda d: (len(tree.ancestors(d)), d)):
        for ancestor in tree.ancestors(division)[1:]:
            below.setdefault(ancestor, at[division][0])
    serves: dict[str, list[str]] = defaultdict(list)
    represents: dict[str, list[str]] = defaultdict(list)
    for division in tree.by_code:
        nearest = next((at[place] for place in tree.ancestors(division) if place in at), None)
        if nearest is not None:
            for code in nearest:
                serves[code].append(division)
        elif division in below:
            serves[below[division]].append(division)
            represents[below[division]].append(division)
    return {code: Serving(tuple(serves[code]), tuple(represents[code])) for code, _division in places}
