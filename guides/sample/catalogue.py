"""The sample catalogue, built: every template at every authority that handles it.

The result depends on the files of this folder alone, so two builds are equal to the letter.
"""

from __future__ import annotations

import csv
import datetime
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from guides import codes, document
from guides.sample import derived, template

_FIRST_REVISION = datetime.date(2026, 1, 5)
_REVISION_SPREAD_DAYS = 300
_STREET_SECTOR = "street"
_AS_WRITTEN = frozenset(template.ItemTemplate.model_fields) & frozenset(document.Guide.model_fields) - {
    "code",
    "online",
    "result",
    "themes_individual",
    "themes_legal",
}
"""Fields that a guide takes from its template as they are."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who handles an item in one division: the department, and the division it serves."""

    department: document.Department
    division: document.Division
    serial: int


class SampleCatalogue:
    """All records of the sample: divisions, departments, items and guides."""

    def __init__(self) -> None:
        self._sectors: dict[str, dict[str, Any]] = {s["key"]: s for s in template.load_yaml("sectors.yaml")["sectors"]}
        self._places: dict[str, Any] = template.load_yaml("places.yaml")

    @cached_property
    def templates(self) -> list[tuple[str, template.ItemTemplate]]:
        """(sector key, template) of every item: the hand-written ones, then those derived from the name list."""
        written: list[tuple[str, template.ItemTemplate]] = []
        folder = Path(str(resources.files("guides.sample") / "items"))
        for path in sorted(folder.glob("*.yaml")):
            file = template.SectorFile.model_validate(template.load_yaml("items", path.name))
            written.extend((file.sector, item) for item in file.items)
        covered = {name for _sector, item in written for name in (item.name, *item.covers)}
        return [*written, *derived.derived_items(covered)]

    @cached_property
    def divisions(self) -> list[document.Division]:
        """The city, its districts and counties, their streets and townships."""
        text = resources.files("guides.sample").joinpath("divisions.csv").read_text(encoding="utf-8")
        return [
            document.Division.model_validate(
                {
                    "code": row["code"],
                    "name": row["name"],
                    "level": row["level"],
                    "parent_code": row["parent"] or None,
                    "aliases": self._division_aliases(row["code"], row["name"], row["level"]),
                }
            )
            for row in csv.DictReader(text.splitlines())
        ]

    def _division_aliases(self, code: str, name: str, level: str) -> list[str]:
        aliases: list[str] = list(self._places["division_aliases"].get(code, []))
        endings = ("街道", "镇", "乡") if level == "street" else ("区", "县", "市")
        for ending in endings:
            short = name.removesuffix(ending)
            if short != name and len(short) >= 2 and short not in aliases:
                aliases.append(short)
        if name.endswith("街道"):
            aliases.append(f"{name}办事处")
        return aliases

    @cached_property
    def _authorities(self) -> dict[tuple[str, str], Authority]:
        """(sector key, division code) -> authority; street offices stand under the sector 'street'."""
        divisions = {division.code: division for division in self.divisions}
        found: dict[tuple[str, str], Authority] = {}
        for index, division in enumerate(self.divisions):
            for key, sector in self._sectors.items():
                name = self._authority_name(sector["authority"], division, divisions)
                if name is None:
                    continue
                # A street's office has no six-digit code of its own, so its serial tells it from its neighbours.
                serial = sector["serial"] * 1000 + (index if division.level == "street" else 0)
                department = document.Department(
                    code=codes.government_credit_code(division.code, serial),
                    name=name,
                    sector=sector["name"],
                    division_code=division.code,
                    aliases=sector["aliases"],
                )
                found[key, division.code] = Authority(department, division, index * 100 + sector["serial"])
        return found

    def _authority_name(
        self, patterns: dict[str, str], division: document.Division, divisions: dict[str, document.Division]
    ) -> str | None:
        if division.level == "street":
            pattern = patterns.get("street" if division.name.endswith("街道") else "township")
        elif division.level == "district":
            pattern = patterns.get("urban_district" if division.name.endswith("区") else "county")
        else:
            pattern = patterns.get("city")
        if pattern is None:
            return None
        parent = divisions.get(division.parent_code or "")
        return pattern.format(
            place=division.name,
            short=division.name.removesuffix("区").removesuffix("市") if len(division.name) > 2 else division.name,
            district=parent.name if parent else "",
        ).replace("办事处办事处", "办事处")

    def departments(self) -> list[document.Department]:
        """The authorities that handle at least one guide."""
        used = {authority.department.code: authority.department for _s, _t, authority in self._handled()}
        return [used[code] for code in sorted(used)]

    @cached_property
    def sayings(self) -> dict[str, list[str]]:
        """Item code -> what citizens say when they need it, beyond the aliases in the item's own file.

        ``sayings/`` goes by item; ``problems.yaml`` by what happened (problems, papers, needs), with the items that
        answer.
        """
        folder = Path(str(resources.files("guides.sample") / "sayings"))
        found: dict[str, dict[str, None]] = {}
        for path in sorted(folder.glob("*.yaml")):
            for code, sayings in template.load_yaml("sayings", path.name).items():
                found.setdefault(code, {}).update(dict.fromkeys(sayings))
        for entry in template.load_yaml("problems.yaml")["entries"]:
            for code in entry["items"]:
                found.setdefault(code, {}).update(dict.fromkeys(entry["sayings"]))
        return {code: list(sayings) for code, sayings in found.items()}

    def items(self) -> list[document.Item]:
        """One item a template."""
        return [
            document.Item(
                code=item.code,
                name=item.name,
                type=item.type,
                sector=self._sectors[sector]["name"],
                aliases=list(dict.fromkeys([*item.aliases, *self.sayings.get(item.code, ())])),
                popularity=item.popularity,
            )
            for sector, item in self.templates
        ]

    def _handled(self) -> Iterator[tuple[str, template.ItemTemplate, Authority]]:
        """Every template with every authority that handles it."""
        by_level: dict[str, list[str]] = {}
        for division in self.divisions:
            by_level.setdefault(division.level, []).append(division.code)
        for sector, item in self.templates:
            for level in item.levels:
                key = _STREET_SECTOR if level == "street" else sector
                for division_code in by_level[level]:
                    yield sector, item, self._authorities[key, division_code]

    def guides(self) -> Iterator[document.Guide]:
        """Every authority's guide of every item, item by item."""
        shared: tuple[str, dict[str, Any]] | None = None
        for sector, item, authority in self._handled():
            if shared is None or shared[0] != item.code:
                shared = (item.code, self._shared_content(item))
            yield document.Guide(
                **shared[1],
                code=codes.implementation_code(authority.department.code, authority.division.level, item.code),
                level=authority.division.level,
                division_code=authority.division.code,
                department_code=authority.department.code,
                places=[self._place(sector, authority)],
                consultation_phone=_phone(authority.serial, 1),
                complaint_phone=_phone(authority.serial, 9),
            )

    def _shared_content(self, item: template.ItemTemplate) -> dict[str, Any]:
        revised = _FIRST_REVISION + datetime.timedelta(days=zlib.crc32(item.code.encode()) % _REVISION_SPREAD_DAYS)
        return {
            "item_code": item.code,
            "title": item.name,
            **item.model_dump(include=set(_AS_WRITTEN)),
            "themes_individual": [template.theme_codes("individual")[name] for name in item.themes_individual],
            "themes_legal": [template.theme_codes("legal")[name] for name in item.themes_legal],
            "statutory_limit": None if item.statutory_days is None else {"days": item.statutory_days},
            "promised_limit": {"days": item.promised_days},
            "online": item.online is not None,
            "online_depth": item.online,
            "handling_scope": item.scope,
            "result": {"name": item.result, "kind": item.result_kind},
            "source": self._places["source"],
            "revised_on": revised,
        }

    def _place(self, sector: str, authority: Authority) -> document.Place:
        division = authority.division
        halls = self._places["halls"]
        pattern: str = halls.get(sector, {}).get(division.level) or halls["default"][division.level]
        name = pattern.format(place=division.name, authority=authority.department.name)
        district = next((d.name for d in self.divisions if d.code == division.code[:6]), "")
        where = "哈尔滨市" if division.level == "city" else f"哈尔滨市{district}"
        street = division.name if division.level == "street" else ""
        serial = self._sectors[sector]["serial"]
        return document.Place(
            name=name,
            address=f"{where}{street}{name.removeprefix('哈尔滨市').removeprefix(division.name)}（示例地址）",
            window=f"{serial % 3 + 1}楼{self._sectors[sector]['name']}综合窗口（{serial % 3 + 1}{serial:02d}号）",
            hours=self._places["hours"],
            phone=_phone(authority.serial, 1),
        )

    def records(self) -> Iterator[document.AnyRecord]:
        """Everything, in the order in which an import can take it."""
        yield from self.divisions
        yield from self.departments()
        yield from self.items()
        yield from self.guides()


def _phone(serial: int, line: int) -> str:
    """A number that cannot be dialled: no local number begins with 0."""
    return f"0451-0{serial * 10 + line:07d}"
