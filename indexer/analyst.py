"""From rows to documents: reads the guides of items and makes what an engine keeps of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from guides import document, lookups, store
from guides.database import Database
from indexer.analysis import Analyzer
from indexer.document import IndexDocument, References, documents
from indexer.serving import DivisionTree

_ITEMS_AT_A_TIME = 50


class Analyst:
    """Makes documents out of what a database holds. ``words`` are the lexicon's user words."""

    def __init__(self, database: Database, words: Iterable[str]) -> None:
        self.database = database
        self.analyzer = Analyzer(words)

    def documents_of(self, item_codes: Sequence[str]) -> list[IndexDocument]:
        """The documents of these items in their present state."""
        with self.database.reading() as connection:
            return [made for _code, group in self.documents_by_item(connection, item_codes) for made in group]

    def documents_by_item(
        self, connection: sa.Connection, item_codes: Sequence[str]
    ) -> Iterator[tuple[str, list[IndexDocument]]]:
        """(item code, documents) of each item, an empty list where nothing is published, in one open transaction."""
        tree = DivisionTree(lookups.divisions(connection))
        departments = {department.code: department for department in lookups.departments(connection)}
        themes = lookups.theme_names(connection)
        for start in range(0, len(item_codes), _ITEMS_AT_A_TIME):
            codes = item_codes[start : start + _ITEMS_AT_A_TIME]
            references = References(
                tree=tree,
                departments=departments,
                items={item.code: item for item in lookups.items(connection, codes)},
                themes=themes,
            )
            by_item: dict[str, list[document.Guide]] = {code: [] for code in codes}
            for guide in store.published_guides_of_items(connection, codes):
                by_item[guide.item_code].append(guide)
            for code, guides in by_item.items():
                yield code, list(documents(guides, references, self.analyzer))
