"""Names into codes: which division or which authorities a person means by a word in a filter."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from guides import document
from indexer.folding import fold
from indexer.lexicon import Lexicon
from search.engines.base import EngineUnavailableError
from search.request import InvalidRequestError


@dataclass(frozen=True, slots=True)
class DepartmentFilter:
    """What to filter by for a department: a keyword field of the document, its values, and how to show it."""

    field: str
    values: tuple[str, ...]
    label: str


class Places:
    """Looks divisions and departments up by code, name or everyday name."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.tree = lexicon.tree
        self._divisions: dict[str, str] = {}
        for division in lexicon.divisions:
            for name in (division.code, division.name, *division.aliases):
                self._divisions.setdefault(fold(name), division.code)
        self._departments = {fold(d.name): d for d in lexicon.departments}
        self._departments |= {d.code.lower(): d for d in lexicon.departments}
        self._sectors: dict[str, list[str]] = {}
        for sector, names in lexicon.sector_aliases.items():
            for name in (sector, *names):
                sectors = self._sectors.setdefault(fold(name), [])
                if sector not in sectors:
                    sectors.append(sector)

    @property
    def root(self) -> str:
        """The code of the whole city."""
        root = self.tree.root
        if root is None:
            raise EngineUnavailableError(
                "目录还是空的。请先导入：banshi guides import FILE，再运行：banshi index rebuild"
            )
        return root

    def division(self, name: str) -> document.Division:
        """The division of this code or name, or InvalidRequestError that offers the nearest names."""
        code = self._divisions.get(fold(name))
        if code is None:
            names = [d.name for d in self.lexicon.divisions]
            near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
            hint = f"您是不是要找：{'、'.join(near)}？" if near else "请从区县列表中选择。"
            raise InvalidRequestError("unknown_division", f"没有“{name[:20]}”这个区划。{hint}", "division")
        return self.tree.by_code[code]

    def department(self, name: str) -> DepartmentFilter:
        """The authority, or the line of government, of this name. Several names may be joined by |."""
        fields: set[str] = set()
        values: list[str] = []
        labels: list[str] = []
        for part in name.split("|"):
            exact = self._departments.get(fold(part))
            sectors = self._sectors.get(fold(part))
            if sectors:
                fields.add("sector")
                values += sectors
                labels += sectors if fold(part) in map(fold, sectors) else [part]
            elif exact is not None:
                fields.add("department")
                values.append(exact.code)
                labels.append(exact.name)
            else:
                near = difflib.get_close_matches(part, [*self.lexicon.sector_aliases, *self._sectors], n=3, cutoff=0.4)
                hint = f"您是不是要找：{'、'.join(dict.fromkeys(near))}？" if near else "请从部门列表中选择。"
                raise InvalidRequestError("unknown_department", f"没有“{part[:20]}”这个部门。{hint}", "department")
        if len(fields) > 1:
            raise InvalidRequestError("unknown_department", "请只选一类部门。", "department")
        return DepartmentFilter(fields.pop(), tuple(values), "、".join(dict.fromkeys(labels)))
