"""The outbox: every change that searchers must see, recorded in the transaction that makes it.

A follower remembers the last number it applied and asks for what came after. Delivery is at least once; applying a
row twice changes nothing, because what is applied is the item's present state.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from guides import models

KEEP_DAYS = 14
"""Rows older than this are pruned; an index that is further behind must be rebuilt."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed: an item as a whole, or one guide of it."""

    item_code: str
    guide_code: str | None
    action: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A change with its place in the order of commits."""

    id: int
    item_code: str
    created_at: datetime.datetime


def append(connection: sa.Connection, changes: Sequence[Change]) -> None:
    """Record changes. Must be called inside the writing transaction that makes them."""
    if not changes:
        return
    last = connection.execute(
        sa.update(models.OutboxSequence)
        .where(models.OutboxSequence.name == "outbox")
        .values(last_id=models.OutboxSequence.last_id + len(changes))
        .returning(models.OutboxSequence.last_id)
    ).scalar_one()
    now = datetime.datetime.now(datetime.UTC)
    first = last - len(changes) + 1
    connection.execute(
        sa.insert(models.Outbox),
        [
            {
                "id": first + offset,
                "item_code": change.item_code,
                "guide_code": change.guide_code,
                "action": change.action,
                "created_at": now,
            }
            for offset, change in enumerate(changes)
        ],
    )


def last_id(connection: sa.Connection) -> int:
    """The number of the newest change; 0 before the first."""
    return connection.execute(
        sa.select(models.OutboxSequence.last_id).where(models.OutboxSequence.name == "outbox")
    ).scalar_one()


def oldest_kept_id(connection: sa.Connection) -> int | None:
    """The number of the oldest change still recorded, or None when all were pruned."""
    return connection.execute(sa.select(sa.func.min(models.Outbox.id))).scalar()


def after(connection: sa.Connection, position: int, limit: int = 1000) -> list[Entry]:
    """Up to ``limit`` changes after ``position``, oldest first."""
    rows = connection.execute(
        sa.select(models.Outbox.id, models.Outbox.item_code, models.Outbox.created_at)
        .where(models.Outbox.id > position)
        .order_by(models.Outbox.id)
        .limit(limit)
    )
    return [Entry(row.id, row.item_code, row.created_at) for row in rows]


def items_after(connection: sa.Connection, position: int) -> list[str]:
    """The distinct items that changed after ``position``."""
    query = sa.select(models.Outbox.item_code).distinct().where(models.Outbox.id > position)
    return list(connection.execute(query).scalars())


def prune(connection: sa.Connection, now: datetime.datetime) -> int:
    """Forget changes older than KEEP_DAYS, and say how many. The sequence goes on, so numbers are never reused."""
    limit = now - datetime.timedelta(days=KEEP_DAYS)
    return connection.execute(sa.delete(models.Outbox).where(models.Outbox.created_at < limit)).rowcount
