"""Is the index what the database says? Read-only: it compares and reports, and never repairs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from guides import lookups, outbox
from guides.database import Database
from indexer.analyst import Analyst
from indexer.document import IndexDocument
from indexer.life import Entry, IndexMissingError, IndexReader, Rejected

_PROBES = 40
_REJECTED_SHARE = 0.01
"""More than this share of documents refused is no accident of single documents: the new index must not serve."""


class GateError(Exception):
    """The new index differs from the database, so it was not put in the old one's place."""

    def __init__(self, report: GateReport) -> None:
        self.report = report
        super().__init__(f"新索引与数据库不一致，没有启用：{report.summary()}")


@dataclass(frozen=True, slots=True)
class Count:
    """How many guides a division or a department has in the database and in the index."""

    code: str
    database: int
    index: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A name asked of an index: which guide must come, and whether it did; ``before``: of the one still serving."""

    name: str
    division: str
    expected: str
    found: bool
    before: bool | None


@dataclass(frozen=True, slots=True)
class GateReport:
    """What differs, by guide code, and how many changes the index has yet to see.

    ``counts`` lists only divisions and departments whose numbers differ; ``probes`` only those that the index missed.
    ``rejected`` are guides that the engine refused: they are missing, and why is known.
    """

    database_guides: int
    index_guides: int
    missing: list[str]
    surplus: list[str]
    different: list[str]
    behind: int
    rejected: list[Rejected] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    probed: int = 0
    probed_before: int = 0
    probes: list[Probe] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether index and database agree on every guide."""
        return not (self.missing or self.surplus or self.different or self.rejected or self.counts or self.probes)

    @property
    def may_serve(self) -> bool:
        """Whether the index may be swapped in: it agrees, but for a few documents that the engine refused by name."""
        few = len(self.rejected) <= max(1, int(self.database_guides * _REJECTED_SHARE))
        return few and not (self.missing or self.surplus or self.different or self.counts or self.probes)

    def summary(self) -> str:
        """One line for people."""
        if self.passed:
            return f"一致：{self.index_guides} 份指南"
        parts = [f"数据库 {self.database_guides} 份，索引 {self.index_guides} 份"]
        parts.append(f"缺少 {len(self.missing)} 份，多出 {len(self.surplus)} 份，内容不同 {len(self.different)} 份")
        if self.counts:
            parts.append(f"{len(self.counts)} 个区划或部门的份数不符")
        if self.probes:
            parts.append(f"按名称试搜 {self.probed} 次，{len(self.probes)} 次没有找到，例如“{self.probes[0].name}”")
        if self.rejected:
            first = self.rejected[0]
            parts.append(f"引擎拒收 {len(self.rejected)} 份，例如 {first.code}（{first.reason}）")
        return "；".join(parts)


def check(
    database: Database, reader: IndexReader, *, sample_items: int | None = None, before: IndexReader | None = None
) -> GateReport:
    """Compare an index with the database.

    Every published guide is looked for, and counted by division and department. Documents are made anew and compared
    by checksum for ``sample_items`` items spread over the catalogue, or for all when None; some of them are asked for
    by name, of ``before``, the index that still serves, as well. Items that changed after what the index has seen are
    left out: they are late, not wrong, and counted in ``behind``.
    """
    analyst = Analyst(database, reader.lexicon().words)
    found = reader.entries()
    with database.reading() as connection:
        state = reader.state()
        behind = outbox.last_id(connection) - state.position
        late = set(outbox.items_after(connection, state.position))
        codes = [code for code, _count in lookups.published_items(connection) if code not in late]
        published = [guide for guide in lookups.published_guides(connection) if guide.item_code not in late]
        total = lookups.count_published(connection)
        expected = {guide.code: "" for guide in published}
        stride = 1 if sample_items is None else max(1, len(codes) // sample_items)
        made: dict[str, IndexDocument] = {}
        for _item_code, documents in analyst.documents_by_item(connection, codes[::stride]):
            for indexed in documents:
                expected[indexed["code"][0]] = indexed["checksum"]
            if documents and len(made) < _PROBES:
                made[documents[0]["code"][0]] = documents[0]
    refused = [each for each in state.rejected if each.code in expected]
    excused = {each.code for each in refused}
    counted = {code: entry for code, entry in found.items() if entry.item_code not in late and code not in excused}
    probes = [_probe(indexed, reader, before) for code, indexed in made.items() if code not in excused]
    return GateReport(
        database_guides=total,
        index_guides=len(found),
        missing=sorted(expected.keys() - found.keys() - excused),
        surplus=sorted(counted.keys() - expected.keys()),
        different=sorted(c for c, made in expected.items() if made and c in counted and counted[c].checksum != made),
        behind=behind,
        rejected=refused,
        counts=_counts([guide for guide in published if guide.code not in excused], counted),
        probed=len(probes),
        probed_before=sum(bool(probe.before) for probe in probes),
        probes=[probe for probe in probes if not probe.found],
    )


def _counts(published: list[lookups.PublishedGuide], found: dict[str, Entry]) -> list[Count]:
    """Divisions and departments with another number of guides in the index than in the database."""
    wanted = Counter(place for guide in published for place in (guide.division_code, guide.department_code))
    present = Counter(place for entry in found.values() for place in (entry.division, entry.department))
    return [
        Count(code, wanted[code], present[code])
        for code in sorted(wanted.keys() | present.keys())
        if wanted[code] != present[code]
    ]


def _probe(indexed: IndexDocument, reader: IndexReader, before: IndexReader | None) -> Probe:
    """Ask for a guide by one of its names, where it serves."""
    code, division, name = indexed["code"][0], indexed["division"][0], indexed["exact"][-1]
    in_time: bool | None = None
    if before is not None:
        try:
            in_time = code in before.named(name, division)
        except IndexMissingError:  # the old index may be of another schema: that is why there is a new one
            in_time = None
    return Probe(name, division, code, code in reader.named(name, division), in_time)
