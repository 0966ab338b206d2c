"""The life of an index, the same for every engine: made beside the living one, filled, checked, swapped in, followed.

An engine brings three parts: ``Indexes`` (which index serves, which served before), ``IndexWriter`` and
``IndexReader``. What is done with them (rebuild.py, follower.py, gate.py) is written once.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from indexer.document import SCHEMA_DIGEST, IndexDocument
from indexer.lexicon import Lexicon


class IndexMissingError(Exception):
    """There is no index to read or write yet, or it is not one of this version. The message says what to run."""


class IndexWriteError(Exception):
    """Writing failed: a full disk, or an engine out of reach. What was committed before is untouched."""


class BusyError(Exception):
    """Another process holds the lock. The message says which work is under way."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that the engine refused, and why. The others are not held up by it."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What the gate compares of a document in an index."""

    item_code: str
    division: str
    department: str
    checksum: str


@dataclass(frozen=True, slots=True)
class State:
    """What an index knows of itself: how far it has followed the outbox, and which guides it could not take.

    Written after the documents it speaks of, never before.
    """

    position: int
    rejected: tuple[Rejected, ...] = ()


class IndexWriter(Protocol):
    """Writes one index. Nothing counts before ``commit``."""

    rejected: dict[str, str]
    """Guide code -> reason, of every document that this index does not have because the engine refused it."""

    def add(self, documents: Iterable[IndexDocument], position: int) -> int:
        """Add documents as they were at an outbox position or later; return how many the engine took."""
        ...

    def replace_items(self, made: Iterable[tuple[str, list[IndexDocument]]], position: int) -> None:
        """Put each item's documents, made at ``position``, in the place of all that it had."""
        ...

    def commit(self, position: int, lexicon: Lexicon) -> None:
        """Make everything since the last commit visible, with the lexicon and the position it reflects."""
        ...

    def finish(self) -> None:
        """The loading is over: settle down for searching (merge, replicate)."""
        ...

    def close(self) -> None:
        """Let go of the index."""
        ...


class IndexReader(Protocol):
    """Reads one index as it was last committed."""

    name: str

    def state(self) -> State:
        """How far this index is; IndexMissingError where it is not whole."""
        ...

    def lexicon(self) -> Lexicon:
        """The words that this index was built with, and what search must know of the catalogue."""
        ...

    def entries(self) -> dict[str, Entry]:
        """Guide code -> entry of every document."""
        ...

    def named(self, exact: str, division: str) -> list[str]:
        """Codes of the guides with this exact key (see analysis.exact_key) that serve a division."""
        ...


class Indexes(Protocol):
    """All indexes of one engine: the one that serves, the one before it, and those that are being made."""

    engine: str

    def current(self) -> str:
        """Name of the index that serves; IndexMissingError where there is none."""
        ...

    def previous(self) -> str | None:
        """Name of the index that served before and is kept for a rollback."""
        ...

    def new_name(self, now: datetime.datetime) -> str:
        """A name for an index made now."""
        ...

    def create(self, name: str, lexicon: Lexicon) -> None:
        """Make an empty index that nobody searches yet."""
        ...

    def writer(self, name: str) -> IndexWriter:
        """A writer of the index. Hold the ``writer`` lock unless it is still being made."""
        ...

    def reader(self, name: str) -> IndexReader:
        """A reader of the index; IndexMissingError where it is not there or of another schema."""
        ...

    def swap(self, name: str) -> None:
        """Let ``name`` serve, in one step, and keep the one before."""
        ...

    def discard(self, name: str) -> None:
        """Delete an index that came to nothing. Never raises: it clears up after another error."""
        ...

    def remove_leftovers(self) -> list[str]:
        """Delete what neither serves nor is kept: older indexes, and halves of rebuilds that were killed."""
        ...

    def lock(self, name: str, busy: str, *, wait_seconds: float = 0) -> AbstractContextManager[None]:
        """Hold a lock among all processes that share these indexes; BusyError(busy) where another has it."""
        ...


def new_name(prefix: str, now: datetime.datetime) -> str:
    """A name for an index made now: names sort by time, and the digest tells the schema."""
    return f"{prefix}-{now:%Y%m%d-%H%M%S-%f}-{SCHEMA_DIGEST}"


def is_name(prefix: str, name: str) -> bool:
    """Whether an index is one that ``new_name`` named: what is deleted must be ours beyond doubt."""
    return re.fullmatch(rf"{re.escape(prefix)}-\d{{8}}-\d{{6}}-\d{{6}}-[0-9a-f]{{8}}", name) is not None


def require_schema(name: str) -> None:
    """Raise IndexMissingError for an index that another version of this program made."""
    if not name.endswith(SCHEMA_DIGEST):
        raise IndexMissingError(f"索引 {name} 的结构不是本程序的。请运行：banshi index rebuild")


def roll_back(indexes: Indexes) -> tuple[str, str]:
    """Let the index before serve again; return (the name that served, the name that serves now).

    It catches up with the changes since by itself, as long as the outbox still holds them.
    """
    with indexes.lock("writer", "另一个进程正在写索引，请稍后再试", wait_seconds=60):
        current, previous = indexes.current(), indexes.previous()
        if previous is None:
            raise IndexMissingError(f"没有可以退回的索引，{current} 照常使用。需要时请运行：banshi index rebuild")
        indexes.reader(previous).state()
        indexes.swap(previous)
    return current, previous
