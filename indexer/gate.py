"""Is the index what the database says? Read-only: it compares and reports, and never repairs."""

from __future__ import annotations

from dataclasses import dataclass

from guides import lookups, outbox
from guides.database import Database
from indexer import lexicon
from indexer.analyst import Analyst
from indexer.embedded import EmbeddedReader


class GateError(Exception):
    """The new index differs from the database, so it was not put in the old one's place."""

    def __init__(self, report: GateReport) -> None:
        self.report = report
        super().__init__(f"新索引与数据库不一致，没有启用：{report.summary()}")


@dataclass(frozen=True, slots=True)
class GateReport:
    """What differs, by guide code, and how many changes the index has yet to see."""

    database_guides: int
    index_guides: int
    missing: list[str]
    surplus: list[str]
    different: list[str]
    behind: int

    @property
    def passed(self) -> bool:
        """Whether index and database agree on every guide."""
        return not (self.missing or self.surplus or self.different)

    def summary(self) -> str:
        """One line for people."""
        if self.passed:
            return f"一致：{self.index_guides} 份指南"
        return (
            f"数据库 {self.database_guides} 份，索引 {self.index_guides} 份；"
            f"缺少 {len(self.missing)} 份，多出 {len(self.surplus)} 份，内容不同 {len(self.different)} 份"
        )


def check(database: Database, reader: EmbeddedReader, *, sample_items: int | None = None) -> GateReport:
    """Compare an index with the database.

    Every published guide is looked for. Documents are made anew and compared by checksum for ``sample_items`` items
    spread over the catalogue, or for all when None. Items that changed after what the index has seen are left out:
    they are late, not wrong, and counted in ``behind``.
    """
    analyst = Analyst(database, lexicon.Lexicon.load(reader.folder).words)
    found = reader.entries()
    with database.reading() as connection:
        position = reader.position()
        behind = outbox.last_id(connection) - position
        late = set(outbox.items_after(connection, position))
        codes = [code for code, _count in lookups.published_items(connection) if code not in late]
        published = lookups.published_codes(connection)
        expected = {code: "" for code, item_code in published if item_code not in late}
        stride = 1 if sample_items is None else max(1, len(codes) // sample_items)
        for _item_code, made in analyst.documents_by_item(connection, codes[::stride]):
            expected.update((indexed["code"][0], indexed["checksum"]) for indexed in made)
    return GateReport(
        database_guides=len(published),
        index_guides=len(found),
        missing=sorted(expected.keys() - found.keys()),
        surplus=sorted(c for c in found.keys() - expected.keys() if found[c][0] not in late),
        different=sorted(c for c, made in expected.items() if made and c in found and found[c][1] != made),
        behind=behind,
    )
