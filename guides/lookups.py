"""What may be asked of the catalogue: its places, authorities, items, themes, and what of it is published.

Like store.py, everything works inside a transaction that the caller opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from guides import document, models

LEVEL_DEPTH: dict[str, int] = {"province": 0, "city": 1, "district": 2, "street": 3}


def divisions(connection: sa.Connection) -> list[document.Division]:
    """All divisions, parents before children."""
    table = models.Division
    rows = connection.execute(sa.select(*table.__table__.columns).order_by(table.code)).mappings()
    return [document.Division(**row) for row in sorted(rows, key=lambda row: LEVEL_DEPTH[row["level"]])]


def departments(connection: sa.Connection) -> list[document.Department]:
    """All departments, by code."""
    table = models.Department
    rows = connection.execute(sa.select(*table.__table__.columns).order_by(table.code)).mappings()
    return [document.Department(**row) for row in rows]


def items(connection: sa.Connection, codes: Sequence[str] | None = None) -> list[document.Item]:
    """All items, or those with these codes, by code."""
    table = models.Item
    query = sa.select(*table.__table__.columns).order_by(table.code)
    if codes is not None:
        query = query.where(table.code.in_(codes))
    return [document.Item(**row) for row in connection.execute(query).mappings()]


def theme_names(connection: sa.Connection) -> dict[tuple[str, str], str]:
    """(audience, code) -> name of every theme, in the standard's order."""
    table = models.Theme
    rows = connection.execute(sa.select(table.audience, table.code, table.name).order_by(table.audience, table.code))
    return {(row.audience, row.code): row.name for row in rows}


def item_types(connection: sa.Connection) -> list[str]:
    """The names of the types of items."""
    return list(connection.execute(sa.select(models.ItemType.name)).scalars())


def result_names(connection: sa.Connection) -> list[str]:
    """The distinct names of what published guides end with (居民身份证, 营业执照 ...)."""
    guide, version = models.Guide, models.GuideVersion
    rows = connection.execute(
        sa.select(version.result_name)
        .distinct()
        .join(guide, sa.and_(version.guide_code == guide.code, version.version == guide.published_version))
        .where(version.result_name.is_not(None))
        .order_by(version.result_name)
    )
    return [str(name) for name in rows.scalars()]


def published_items(connection: sa.Connection) -> list[tuple[str, int]]:
    """(item code, number of published guides) of every item that has any, by code."""
    guide, version = models.Guide, models.GuideVersion
    rows = connection.execute(
        sa.select(version.item_code, sa.func.count())
        .join(guide, sa.and_(version.guide_code == guide.code, version.version == guide.published_version))
        .group_by(version.item_code)
        .order_by(version.item_code)
    )
    return [(code, count) for code, count in rows]


@dataclass(frozen=True, slots=True)
class PublishedGuide:
    """Whose a published guide is, and where."""

    code: str
    item_code: str
    division_code: str
    department_code: str


def published_guides(connection: sa.Connection) -> list[PublishedGuide]:
    """Every published guide, by code."""
    guide, version = models.Guide, models.GuideVersion
    rows = connection.execute(
        sa.select(guide.code, version.item_code, version.division_code, version.department_code)
        .join(version, sa.and_(version.guide_code == guide.code, version.version == guide.published_version))
        .order_by(guide.code)
    )
    return [PublishedGuide(*row) for row in rows]


def department(connection: sa.Connection, code: str) -> document.Department | None:
    """One department, or None."""
    table = models.Department
    row = connection.execute(sa.select(*table.__table__.columns).where(table.code == code)).mappings().one_or_none()
    return None if row is None else document.Department(**row)


def guide_status(connection: sa.Connection, code: str) -> str | None:
    """The status of a guide's latest version, or None where there is no such guide."""
    return connection.execute(sa.select(models.Guide.status).where(models.Guide.code == code)).scalar_one_or_none()


def published_places(connection: sa.Connection, item_code: str) -> list[tuple[str, str]]:
    """(guide code, division code) of every published guide of an item, by division."""
    guide, version = models.Guide, models.GuideVersion
    rows = connection.execute(
        sa.select(guide.code, version.division_code)
        .join(version, sa.and_(version.guide_code == guide.code, version.version == guide.published_version))
        .where(version.item_code == item_code)
        .order_by(version.division_code, guide.code)
    )
    return [(code, division_code) for code, division_code in rows]


def count_published(connection: sa.Connection) -> int:
    """How many guides citizens can see."""
    return connection.execute(
        sa.select(sa.func.count()).where(models.Guide.published_version.is_not(None))
    ).scalar_one()


def published_version_number(connection: sa.Connection, code: str) -> int | None:
    """The number of the version that citizens see."""
    return connection.execute(
        sa.select(models.Guide.published_version).where(models.Guide.code == code)
    ).scalar_one_or_none()
