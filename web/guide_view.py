"""Everything that a guide's page shows, gathered in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guides import document, lookups, store, vocabulary
from guides.database import Database
from indexer.serving import DivisionTree, resolve, service_key


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same service in another division."""

    guide_code: str
    division: document.Division


@dataclass(frozen=True, slots=True)
class GuideView:
    """A guide with what its codes stand for, and the same service elsewhere, by division."""

    guide: document.Guide
    item: document.Item
    department: document.Department
    division: document.Division
    version: int
    themes: list[tuple[str, str]]
    elsewhere: list[Elsewhere]
    tree: DivisionTree

    @property
    def elsewhere_by_parent(self) -> list[tuple[document.Division, list[Elsewhere]]]:
        """The other places, streets under their districts; the city and its districts under the city."""
        groups: dict[str, list[Elsewhere]] = {}
        for other in self.elsewhere:
            key = other.division.parent_code if other.division.level == "street" else None
            groups.setdefault(key or self.tree.ancestors(self.division.code)[-1], []).append(other)
        return [(self.tree.by_code[code], others) for code, others in groups.items()]


def load(database: Database, code: str) -> GuideView | None:
    """The view of a published guide, or None."""
    with database.reading() as connection:
        guide = store.published_guide(connection, code)
        if guide is None:
            return None
        tree = DivisionTree(lookups.divisions(connection))
        names = lookups.theme_names(connection)
        department = lookups.department(connection, guide.department_code)
        item = lookups.items(connection, [guide.item_code])[0]
        version = lookups.published_version_number(connection, code)
        places = lookups.published_places(connection, guide.item_code)
    if department is None or version is None:
        return None
    key = service_key(code, guide.item_code)
    audiences: Sequence[tuple[vocabulary.ThemeAudience, list[str]]] = (
        ("individual", guide.themes_individual),
        ("legal", guide.themes_legal),
    )
    return GuideView(
        guide=guide,
        item=item,
        department=department,
        division=tree.by_code[guide.division_code],
        version=version,
        themes=[(f"{audience}/{c}", names[audience, c]) for audience, codes in audiences for c in codes],
        elsewhere=[
            Elsewhere(other, tree.by_code[place])
            for other, place in places
            if service_key(other, guide.item_code) == key
        ],
        tree=tree,
    )


def division_tree(database: Database) -> DivisionTree:
    """The tree of divisions from the database, for pages that a broken index must not take down."""
    with database.reading() as connection:
        return DivisionTree(lookups.divisions(connection))


def find_division(tree: DivisionTree, names: Sequence[str | None]) -> str:
    """The first of these codes or names that is a division, else the root."""
    by_name = {name: division.code for division in tree.by_code.values() for name in (division.name, division.code)}
    return next((by_name[name] for name in names if name in by_name), tree.root or "")


def serving_guide(database: Database, tree: DivisionTree, service: str, division_code: str) -> tuple[str, bool] | None:
    """(guide code, whether it only represents others) of a service for a division, or None where nobody handles it.

    ``service`` is an item's code, with the two characters of its 业务办理项 where it has one (see service_key).
    """
    with database.reading() as connection:
        for item_code in (service, service[:-2]):
            places = [
                (code, place)
                for code, place in lookups.published_places(connection, item_code)
                if service_key(code, item_code) == service
            ]
            if places:
                break
    for code, serving in resolve(tree, places).items():
        if division_code in serving.serves:
            return code, division_code in serving.represents
    return None
