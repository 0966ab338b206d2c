"""Guides and what they refer to, in and out of the tables.

Everything here works inside a transaction that the caller opened, and on many records at a time: an import of a city
is one transaction. Reading gives back the very records that were written.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from guides import document, models, outbox

_CHILDREN: dict[str, tuple[type[models._VersionChild], type[document.Record]]] = {
    "fees": (models.Fee, document.Fee),
    "legal_basis": (models.LegalBasis, document.LegalBasis),
    "situations": (models.Situation, document.Situation),
    "materials": (models.Material, document.Material),
    "steps": (models.Step, document.Step),
    "places": (models.Place, document.Place),
    "questions": (models.Question, document.Question),
}
"""The lists of a guide that have tables of their own: field -> (table, record)."""

_IN_GUIDE = ("item_code", "division_code", "department_code", "level")
_SPREAD = {
    "statutory_limit": ("days", "unit"),
    "promised_limit": ("days", "unit"),
    "result": ("name", "kind", "sample"),
}
"""Small records kept in columns of the version: field -> the suffixes of its columns."""

_PLAIN = tuple(
    field
    for field in document.Guide.model_fields
    if field not in {"kind", "code", "status", "themes_individual", "themes_legal", *_CHILDREN, *_SPREAD}
)


@dataclass
class SaveCounts:
    """How many guides a save added, changed, or found as they were."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def add(self, other: SaveCounts) -> None:
        """Count ``other`` in."""
        self.added += other.added
        self.changed += other.changed
        self.unchanged += other.unchanged


def save_divisions(connection: sa.Connection, records: Sequence[document.Division]) -> None:
    """Add or change divisions, and note the change for every item handled there."""
    changed = _upsert(connection, models.Division, records)
    _note_items_of(connection, models.Guide.division_code, changed)


def save_departments(connection: sa.Connection, records: Sequence[document.Department]) -> None:
    """Add or change departments, and note the change for every item they handle."""
    changed = _upsert(connection, models.Department, records)
    _note_items_of(connection, models.Guide.department_code, changed)


def save_items(connection: sa.Connection, records: Sequence[document.Item]) -> None:
    """Add or change items, and note the change of those that already have guides."""
    changed = _upsert(connection, models.Item, records)
    outbox.append(connection, [outbox.Change(code, None, "item") for code in changed])


def _upsert(connection: sa.Connection, table: Any, records: Sequence[document.Record]) -> list[str]:
    """Insert new records, update differing ones; return the codes of those updated."""
    wanted = {row["code"]: row for row in (record.model_dump(exclude={"kind"}) for record in records)}
    columns = [table.__table__.c[name] for name in next(iter(wanted.values()))] if wanted else []
    present: dict[str, dict[str, Any]] = {}
    for codes in _chunks(list(wanted)):
        for row in connection.execute(sa.select(*columns).where(table.code.in_(codes))).mappings():
            present[row["code"]] = dict(row)
    new = [row for code, row in wanted.items() if code not in present]
    if new:
        connection.execute(sa.insert(table), new)
    changed = [code for code, row in wanted.items() if code in present and present[code] != row]
    for code in changed:
        connection.execute(sa.update(table).where(table.code == code).values(**wanted[code]))
    return changed


def _note_items_of(connection: sa.Connection, column: Any, codes: Sequence[str]) -> None:
    items: set[str] = set()
    for chunk in _chunks(codes):
        items.update(
            connection.execute(sa.select(models.Guide.item_code).distinct().where(column.in_(chunk))).scalars()
        )
    outbox.append(connection, [outbox.Change(code, None, "reference") for code in sorted(items)])


def save_guides(connection: sa.Connection, guides: Sequence[document.Guide], note: str) -> SaveCounts:
    """Write guides: a new version each where the content differs from the latest one, nothing where it does not.

    ``status`` published makes that version what citizens see, withdrawn takes the guide away from them, draft and
    review leave the published version, if any, as it is. ``note`` says who or what made the change. The codes must be
    distinct, and what the guides refer to must exist.
    """
    counts = SaveCounts()
    now = datetime.datetime.now(datetime.UTC)
    present = _present(connection, [guide.code for guide in guides])
    rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    updates: list[dict[str, Any]] = []
    changes: list[outbox.Change] = []
    for guide in guides:
        old = present.get(guide.code)
        checksum = guide.checksum()
        is_new_version = old is None or old.checksum != checksum
        number = (old.latest_version if old else 0) + (1 if is_new_version else 0)
        published = {"published": number, "withdrawn": None}.get(guide.status, old.published_version if old else None)
        state = {
            "code": guide.code,
            **{name: getattr(guide, name) for name in _IN_GUIDE},
            "status": guide.status,
            "latest_version": number,
            "published_version": published,
        }
        if old is None:
            rows[models.Guide].append(state)
            counts.added += 1
        elif is_new_version or guide.status != old.status:
            updates.append(state)
            counts.changed += 1
        else:
            counts.unchanged += 1
            continue
        if is_new_version:
            _version_rows(guide, number, checksum, now, note, rows)
        if published != (old.published_version if old else None):
            action = "published" if published is not None else "withdrawn"
            changes.append(outbox.Change(guide.item_code, guide.code, action))
            if old is not None and old.item_code != guide.item_code:
                changes.append(outbox.Change(old.item_code, guide.code, "moved"))
    for table, table_rows in sorted(rows.items(), key=lambda pair: _INSERT_ORDER.index(pair[0])):
        connection.execute(sa.insert(table), table_rows)
    for state in updates:
        connection.execute(sa.update(models.Guide).where(models.Guide.code == state["code"]).values(**state))
    outbox.append(connection, changes)
    return counts


_INSERT_ORDER: list[Any] = [
    models.Guide,
    models.GuideVersion,
    models.GuideTheme,
    *(table for table, _record in _CHILDREN.values()),
]


def _present(connection: sa.Connection, codes: Sequence[str]) -> dict[str, sa.Row[Any]]:
    found: dict[str, sa.Row[Any]] = {}
    for chunk in _chunks(codes):
        rows = connection.execute(
            sa.select(
                models.Guide.code,
                models.Guide.item_code,
                models.Guide.status,
                models.Guide.latest_version,
                models.Guide.published_version,
                models.GuideVersion.checksum,
            )
            .join(
                models.GuideVersion,
                sa.and_(
                    models.GuideVersion.guide_code == models.Guide.code,
                    models.GuideVersion.version == models.Guide.latest_version,
                ),
            )
            .where(models.Guide.code.in_(chunk))
        )
        found.update({row.code: row for row in rows})
    return found


def _version_rows(
    guide: document.Guide,
    number: int,
    checksum: str,
    now: datetime.datetime,
    note: str,
    rows: dict[Any, list[dict[str, Any]]],
) -> None:
    key = {"guide_code": guide.code, "version": number}
    version: dict[str, Any] = {**key, "checksum": checksum, "created_at": now, "note": note}
    for field in _PLAIN:
        version[field] = getattr(guide, field)
    for field, parts in _SPREAD.items():
        value = getattr(guide, field)
        for part in parts:
            version[f"{field}_{part}"] = getattr(value, part) if value is not None else None
    rows[models.GuideVersion].append(version)
    for audience, codes in (("individual", guide.themes_individual), ("legal", guide.themes_legal)):
        for position, code in enumerate(codes):
            rows[models.GuideTheme].append({**key, "position": position, "audience": audience, "theme_code": code})
    for field, (table, _record) in _CHILDREN.items():
        for position, child in enumerate(getattr(guide, field)):
            rows[table].append({**key, "position": position, **child.__dict__})


def guide_codes(connection: sa.Connection) -> list[str]:
    """The codes of all guides, whatever their status, in order."""
    return list(connection.execute(sa.select(models.Guide.code).order_by(models.Guide.code)).scalars())


def published_guides_of_items(connection: sa.Connection, item_codes: Sequence[str]) -> Iterator[document.Guide]:
    """The published versions of the items' guides, by item and division."""
    guide, version = models.Guide, models.GuideVersion
    rows = connection.execute(
        sa.select(guide.code, guide.published_version)
        .join(version, sa.and_(version.guide_code == guide.code, version.version == guide.published_version))
        .where(version.item_code.in_(item_codes))
        .order_by(version.item_code, version.division_code, guide.code)
    )
    yield from load(connection, [(row.code, row.published_version, "published") for row in rows])


def latest_guides(connection: sa.Connection, codes: Sequence[str]) -> Iterator[document.Guide]:
    """The latest versions of these guides, each with its status, in the order given; unknown codes are passed over."""
    found = _present(connection, codes)
    yield from load(connection, [(c, found[c].latest_version, found[c].status) for c in codes if c in found])


def published_guide(connection: sa.Connection, code: str) -> document.Guide | None:
    """What citizens see under this code, or None."""
    version = connection.execute(
        sa.select(models.Guide.published_version).where(models.Guide.code == code)
    ).scalar_one_or_none()
    return None if version is None else next(load(connection, [(code, version, "published")]))


def load(connection: sa.Connection, wanted: Sequence[tuple[str, int, str]]) -> Iterator[document.Guide]:
    """Versions by (guide code, number, status), in that order. They were validated on their way in, so not again."""
    for chunk in _chunks(wanted):
        keys = [(code, number) for code, number, _status in chunk]
        children = {field: _children(connection, table, record, keys) for field, (table, record) in _CHILDREN.items()}
        themes: dict[tuple[str, int, str], list[str]] = defaultdict(list)
        for row in _select_by_version(connection, models.GuideTheme, keys):
            themes[row.guide_code, row.version, row.audience].append(row.theme_code)
        versions = {
            (row.guide_code, row.version): row for row in _select_by_version(connection, models.GuideVersion, keys)
        }
        for code, number, status in chunk:
            row = versions[code, number]
            values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
            for field, lists in children.items():
                values[field] = lists.get((code, number), [])
            yield document.Guide.model_construct(
                kind="guide",
                code=code,
                status=status,
                statutory_limit=_limit(row.statutory_limit_days, row.statutory_limit_unit),
                promised_limit=_limit(row.promised_limit_days, row.promised_limit_unit),
                result=_result(row),
                themes_individual=themes.get((code, number, "individual"), []),
                themes_legal=themes.get((code, number, "legal"), []),
                **values,
            )


def _limit(days: int | None, unit: Any) -> document.Limit | None:
    return None if days is None else document.Limit.model_construct(days=days, unit=unit)


def _result(row: Any) -> document.Result | None:
    if row.result_name is None:
        return None
    return document.Result.model_construct(name=row.result_name, kind=row.result_kind, sample=row.result_sample)


def _select_by_version(connection: sa.Connection, table: Any, keys: Sequence[tuple[str, int]]) -> Iterable[Any]:
    # By number: most guides of a chunk share a few. PostgreSQL takes three times as long over a list of pairs.
    codes: dict[int, list[str]] = defaultdict(list)
    for code, number in keys:
        codes[number].append(code)
    wanted = [sa.and_(table.version == number, table.guide_code.in_(of)) for number, of in codes.items()]
    order = list(table.__table__.primary_key.columns)
    return connection.execute(sa.select(*table.__table__.columns).where(sa.or_(*wanted)).order_by(*order))


def _children(
    connection: sa.Connection, table: Any, record: type[document.Record], keys: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], list[document.Record]]:
    fields = list(record.model_fields)
    found: dict[tuple[str, int], list[document.Record]] = defaultdict(list)
    for row in _select_by_version(connection, table, keys):
        values = row._mapping
        found[row.guide_code, row.version].append(record.model_construct(**{name: values[name] for name in fields}))
    return found


def _chunks(values: Sequence[Any], size: int = 400) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
