"""The tables. The database is the truth; the index is a copy made from what is published here.

A guide keeps every version it ever had: versions are only added, never changed. The children of a version (materials,
steps ...) are keyed by guide, version and position, so a version is written without asking the database for a number.
Column names equal the field names of guides.document, so that rows and records map onto each other by name.
"""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime.datetime]):
    """A time in UTC on any database: SQLite forgets the zone, PostgreSQL answers in the zone of its server."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """What is stored, for a time in any zone."""
        return value and value.astimezone(datetime.UTC)

    def process_result_value(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """What was stored, in UTC."""
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=datetime.UTC)
        return value.astimezone(datetime.UTC)


def _code(length: int) -> String:
    """A code, in the order of its characters on any database, so that equal catalogues are exported equally.

    SQLite knows no other order; PostgreSQL would use that of the operator's language.
    """
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """Declarative base; constraint names are fixed so that migrations can name them on any database."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map: ClassVar = {list[str]: JSON, dict[str, Any]: JSON, datetime.datetime: UtcDateTime}


class Division(Base):
    """A place in the tree city > district > street."""

    __tablename__ = "division"
    code: Mapped[str] = mapped_column(_code(9), primary_key=True)
    name: Mapped[str] = mapped_column(String(500))
    level: Mapped[str] = mapped_column(String(10))
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("division.code"))
    aliases: Mapped[list[str]]


class Department(Base):
    """An authority."""

    __tablename__ = "department"
    code: Mapped[str] = mapped_column(_code(24), primary_key=True)
    name: Mapped[str] = mapped_column(String(500))
    sector: Mapped[str] = mapped_column(String(500))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    nature: Mapped[str] = mapped_column(String(10))
    aliases: Mapped[list[str]]


class Theme(Base):
    """A theme of the standard's catalogue: life events for individuals, business stages for legal entities."""

    __tablename__ = "theme"
    audience: Mapped[str] = mapped_column(String(10), primary_key=True)
    code: Mapped[str] = mapped_column(_code(3), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class ItemType(Base):
    """A type of item (行政许可, 公共服务 ...). A table, since cities differ."""

    __tablename__ = "item_type"
    code: Mapped[str] = mapped_column(_code(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)


class Item(Base):
    """A kind of service in the national catalogue."""

    __tablename__ = "item"
    code: Mapped[str] = mapped_column(_code(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(500))
    type: Mapped[str] = mapped_column(ForeignKey("item_type.name"))
    sector: Mapped[str] = mapped_column(String(500))
    parent_item: Mapped[str | None] = mapped_column(String(500))
    aliases: Mapped[list[str]]
    popularity: Mapped[int]


class Guide(Base):
    """One authority's way of handling one item in one place. ``status`` is that of the latest version;
    ``published_version`` is what citizens see, or null."""

    __tablename__ = "guide"
    code: Mapped[str] = mapped_column(_code(40), primary_key=True)
    item_code: Mapped[str] = mapped_column(ForeignKey("item.code"), index=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    department_code: Mapped[str] = mapped_column(ForeignKey("department.code"), index=True)
    level: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(10))
    latest_version: Mapped[int]
    published_version: Mapped[int | None]


class GuideVersion(Base):
    """The content of a guide at one time."""

    __tablename__ = "guide_version"
    guide_code: Mapped[str] = mapped_column(ForeignKey("guide.code"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    checksum: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime.datetime]
    note: Mapped[str] = mapped_column(Text)
    item_code: Mapped[str] = mapped_column(_code(20))
    division_code: Mapped[str] = mapped_column(_code(9))
    department_code: Mapped[str] = mapped_column(_code(24))
    level: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(500))
    summary: Mapped[str] = mapped_column(Text)
    power_source: Mapped[str] = mapped_column(String(10))
    applicants: Mapped[list[str]]
    case_type: Mapped[str] = mapped_column(String(10))
    conditions: Mapped[list[str]]
    quantity_limit: Mapped[str | None] = mapped_column(String(500))
    statutory_limit_days: Mapped[int | None]
    statutory_limit_unit: Mapped[str | None] = mapped_column(String(10))
    promised_limit_days: Mapped[int | None]
    promised_limit_unit: Mapped[str | None] = mapped_column(String(10))
    visits: Mapped[int]
    visit_reason: Mapped[str] = mapped_column(Text)
    online: Mapped[bool]
    online_depth: Mapped[str | None] = mapped_column(String(3))
    online_payment: Mapped[bool]
    mail_in: Mapped[bool]
    appointment: Mapped[bool]
    express: Mapped[bool]
    self_service: Mapped[bool]
    handling_scope: Mapped[str] = mapped_column(String(10))
    result_name: Mapped[str | None] = mapped_column(String(500))
    result_kind: Mapped[str | None] = mapped_column(String(10))
    result_sample: Mapped[str | None] = mapped_column(String(500))
    delivery: Mapped[list[str]]
    consultation_phone: Mapped[str] = mapped_column(String(60))
    complaint_phone: Mapped[str] = mapped_column(String(60))
    entrusted_department: Mapped[str | None] = mapped_column(String(500))
    joint_departments: Mapped[list[str]]
    intermediary_services: Mapped[list[str]]
    source: Mapped[str] = mapped_column(Text)
    revised_on: Mapped[datetime.date] = mapped_column(Date)


class _VersionChild:
    """What the rows that belong to a version share: whose they are, and where in the list."""

    guide_code: Mapped[str] = mapped_column(_code(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)


def _belongs_to_version() -> tuple[ForeignKeyConstraint]:
    return (ForeignKeyConstraint(["guide_code", "version"], ["guide_version.guide_code", "guide_version.version"]),)


class GuideTheme(_VersionChild, Base):
    """A theme that a version of a guide is filed under."""

    __tablename__ = "guide_theme"
    audience: Mapped[str] = mapped_column(String(10), primary_key=True)
    theme_code: Mapped[str] = mapped_column(_code(3))
    __table_args__ = (
        *_belongs_to_version(),
        ForeignKeyConstraint(["audience", "theme_code"], ["theme.audience", "theme.code"]),
    )


class Material(_VersionChild, Base):
    """One thing to bring."""

    __tablename__ = "material"
    __table_args__ = _belongs_to_version()
    name: Mapped[str] = mapped_column(String(500))
    required: Mapped[bool]
    main: Mapped[bool]
    type: Mapped[str] = mapped_column(String(10))
    form: Mapped[str] = mapped_column(String(10))
    copies: Mapped[int]
    page_size: Mapped[str | None] = mapped_column(String(500))
    source: Mapped[str] = mapped_column(String(20))
    issuer: Mapped[str | None] = mapped_column(String(500))
    blank_form: Mapped[str | None] = mapped_column(String(500))
    filled_example: Mapped[str | None] = mapped_column(String(500))
    filling_notes: Mapped[str] = mapped_column(Text)
    acceptance_standard: Mapped[str] = mapped_column(Text)
    deferrable: Mapped[bool]
    from_data_sharing: Mapped[bool]
    only_for: Mapped[list[str]]


class Step(_VersionChild, Base):
    """One step of the handling."""

    __tablename__ = "step"
    __table_args__ = _belongs_to_version()
    name: Mapped[str] = mapped_column(String(500))
    handler: Mapped[str | None] = mapped_column(String(500))
    days: Mapped[int]
    standard: Mapped[str] = mapped_column(Text)
    result: Mapped[str] = mapped_column(Text)


class Fee(_VersionChild, Base):
    """One charge."""

    __tablename__ = "fee"
    __table_args__ = _belongs_to_version()
    name: Mapped[str] = mapped_column(String(500))
    standard: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    reduction: Mapped[str] = mapped_column(Text)


class LegalBasis(_VersionChild, Base):
    """One law that the guide rests on."""

    __tablename__ = "legal_basis"
    __table_args__ = _belongs_to_version()
    law: Mapped[str] = mapped_column(String(500))
    article: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)


class Place(_VersionChild, Base):
    """Where it is handled."""

    __tablename__ = "handling_place"
    __table_args__ = _belongs_to_version()
    name: Mapped[str] = mapped_column(String(500))
    address: Mapped[str] = mapped_column(String(500))
    window: Mapped[str] = mapped_column(Text)
    hours: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(String(60))


class Situation(_VersionChild, Base):
    """A question whose answer changes which materials are needed."""

    __tablename__ = "situation"
    __table_args__ = _belongs_to_version()
    question: Mapped[str] = mapped_column(String(500))
    options: Mapped[list[str]]


class Question(_VersionChild, Base):
    """A frequent question with its answer."""

    __tablename__ = "question"
    __table_args__ = _belongs_to_version()
    question: Mapped[str] = mapped_column(String(500))
    answer: Mapped[str] = mapped_column(Text)


class Outbox(Base):
    """What changed for searchers, in the order of commits. Written in the transaction of the change itself.

    An index is brought up to date by the item, since publishing one guide changes which divisions its siblings serve.
    """

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    item_code: Mapped[str] = mapped_column(_code(20))
    guide_code: Mapped[str | None] = mapped_column(_code(40))
    action: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime.datetime]
    __table_args__ = (Index("ix_outbox_created_at", "created_at"),)


class OutboxSequence(Base):
    """One row that hands out outbox numbers. Its row lock is held until commit, so numbers appear in commit order
    and a follower that remembers the last number it saw misses nothing, on any database."""

    __tablename__ = "outbox_sequence"
    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    last_id: Mapped[int]


class SynonymGroup(Base):
    """Words that clerks say mean the same to searchers."""

    __tablename__ = "synonym_group"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[list[str]]
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime.datetime]


class BestBet(Base):
    """The item that clerks say answers a query, in words as said. ``exact`` is the key that search compares."""

    __tablename__ = "best_bet"
    __table_args__ = (UniqueConstraint("exact", "item_code"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    query: Mapped[str] = mapped_column(String(200))
    exact: Mapped[str] = mapped_column(String(200))
    item_code: Mapped[str] = mapped_column(ForeignKey("item.code"), index=True)
    position: Mapped[int]
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime.datetime]


class SearchUse(Base):
    """One search and what came of it. Nothing here tells who: see guides/use.py for what is left out."""

    __tablename__ = "search_use"
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str | None] = mapped_column(String(12), index=True)
    at: Mapped[datetime.datetime] = mapped_column(index=True)
    query: Mapped[str] = mapped_column(String(200))
    division_code: Mapped[str | None] = mapped_column(_code(9))
    filters: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(String(10))
    total: Mapped[int]
    was_confident: Mapped[bool]
    engine: Mapped[str] = mapped_column(String(20))
    opened_item: Mapped[str | None] = mapped_column(_code(20))
    opened_rank: Mapped[int | None]
    printed: Mapped[bool]


class DismissedProposal(Base):
    """An alias that use proposed and a clerk refused. Not proposed again."""

    __tablename__ = "dismissed_proposal"
    query: Mapped[str] = mapped_column(String(200), primary_key=True)
    item_code: Mapped[str] = mapped_column(_code(20), primary_key=True)
    created_at: Mapped[datetime.datetime]
