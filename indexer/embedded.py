"""The embedded index on disk: a folder of folders, one of them current, and what writes them.

    index/
      current.json                  {"name": ..., "previous": ...}: swapped by one rename
      banshi-20260101-120000-1a2b3c4d/   tantivy's files and lexicon.json
      writer.lock                   held by whoever writes the current index
      rebuild.lock                  held by a rebuild

How far an index has followed the outbox is kept inside the index, as a document that serves no division, so it
commits together with the documents it speaks of.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import tantivy

from indexer.document import FIELDS, SCHEMA_DIGEST, IndexDocument

_STATE_CODE: Final = "__state__"
_WRITER_HEAP_BYTES: Final = 128_000_000
_WRITER_THREADS: Final = 1
_LOCK_POLL_SECONDS: Final = 0.05


class IndexMissingError(Exception):
    """There is no index to read or write yet. The message says what to run."""


class IndexWriteError(Exception):
    """Writing failed, most often for want of disk space. What was committed before is untouched."""


class BusyError(Exception):
    """Another process holds the lock. The message says which work is under way."""


@cache
def schema() -> tantivy.Schema:
    """The schema of indexer.document in tantivy's terms."""
    builder = tantivy.SchemaBuilder()
    for name, kind in FIELDS.items():
        if kind == "tokens":
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
        elif kind == "keyword":
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
        elif kind == "integer":
            builder.add_integer_field(name, fast=True)
        else:
            builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which index is current, and the one before it."""

    name: str
    previous: str | None


class IndexFolder:
    """The folder that holds the indexes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def pointer(self) -> Pointer | None:
        """The current index, or None before the first rebuild."""
        try:
            data = json.loads((self.root / "current.json").read_text(encoding="utf-8"))
            return Pointer(data["name"], data["previous"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise IndexMissingError("index/current.json 已损坏。请运行：banshi index rebuild") from None

    def _pointer_if_readable(self) -> Pointer | None:
        """For what mends a damaged pointer: it is as good as none."""
        try:
            return self.pointer()
        except IndexMissingError:
            return None

    def current(self) -> Path:
        """The folder of the current index."""
        pointer = self.pointer()
        if pointer is None:
            raise IndexMissingError("还没有索引。请先运行：banshi init，再运行：banshi index rebuild")
        return self.root / pointer.name

    def new_name(self, now: datetime.datetime) -> str:
        """A name for an index made now; names sort by time, and the digest tells the schema."""
        return f"banshi-{now:%Y%m%d-%H%M%S-%f}-{SCHEMA_DIGEST}"

    def swap(self, name: str) -> None:
        """Make ``name`` current, by one rename, so that a reader sees either the old or the new."""
        pointer = self._pointer_if_readable()
        partial = self.root / "current.json.part"
        partial.write_text(json.dumps({"name": name, "previous": pointer.name if pointer else None}))
        partial.replace(self.root / "current.json")

    def remove_leftovers(self) -> list[str]:
        """Delete what is neither current nor previous: older indexes, and halves of rebuilds that were killed."""
        pointer = self._pointer_if_readable()
        kept = {pointer.name, pointer.previous} if pointer else set()
        removed = [p for p in self.root.glob("banshi-*") if p.is_dir() and p.name not in kept]
        for path in removed:
            shutil.rmtree(path, ignore_errors=True)
        return [path.name for path in removed]

    @contextlib.contextmanager
    def lock(self, name: str, busy: str, *, wait_seconds: float = 0) -> Iterator[None]:
        """Hold ``name``.lock; the system lets go of it when the process ends, however it ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + wait_seconds
        with (self.root / f"{name}.lock").open("w") as stream:
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise BusyError(busy) from None
                    time.sleep(_LOCK_POLL_SECONDS)
            yield


class EmbeddedWriter:
    """Writes one tantivy index. Nothing is seen by readers before ``commit``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._index = tantivy.Index(schema(), path=str(folder))
        self._writer = self._index.writer(_WRITER_HEAP_BYTES, _WRITER_THREADS)

    def add(self, documents: Iterable[IndexDocument]) -> int:
        """Add documents; return how many."""
        count = 0
        with _write_errors():
            for indexed in documents:
                self._writer.add_document(tantivy.Document(**indexed))
                count += 1
        return count

    def replace_item(self, item_code: str, documents: Iterable[IndexDocument]) -> int:
        """Put an item's documents in the place of those it had."""
        self._writer.delete_documents_by_term("item_code", item_code)
        return self.add(documents)

    def commit(self, position: int) -> None:
        """Make everything since the last commit visible, together with the outbox position it reflects."""
        state = json.dumps({"position": position})
        with _write_errors():
            self._writer.delete_documents_by_term("code", _STATE_CODE)
            self._writer.add_document(tantivy.Document(code=[_STATE_CODE], card=state, visits_order=0, limit_order=0))
            self._writer.commit()

    def close(self) -> None:
        """Wait for merges and let go of the index."""
        with contextlib.suppress(ValueError):  # after a failed commit it is gone already
            self._writer.wait_merging_threads()


@contextlib.contextmanager
def _write_errors() -> Iterator[None]:
    """tantivy reports what the system refuses as ValueError; say what it is."""
    try:
        yield
    except ValueError as error:
        raise IndexWriteError(f"写索引失败，原来的索引照常使用：{error}。请检查磁盘空间和权限，然后重试。") from error


class EmbeddedReader:
    """Reads one tantivy index as it was at the last ``reload``."""

    def __init__(self, folder: Path) -> None:
        if not tantivy.Index.exists(str(folder)):
            raise IndexMissingError(f"索引 {folder.name} 不完整。请运行：banshi index rebuild")
        if not folder.name.endswith(SCHEMA_DIGEST):
            raise IndexMissingError(f"索引 {folder.name} 的结构不是本程序的。请运行：banshi index rebuild")
        self.folder = folder
        self._index = tantivy.Index(schema(), path=str(folder))
        self._index.config_reader(reload_policy="manual")
        self.reload()

    def reload(self) -> None:
        """See the newest commit."""
        self._index.reload()
        self.searcher = self._index.searcher()

    def position(self) -> int:
        """How far this index has followed the outbox."""
        query = tantivy.Query.term_query(schema(), "code", _STATE_CODE)
        hits = self.searcher.search(query, 1).hits
        if not hits:
            raise IndexMissingError(f"索引 {self.folder.name} 不完整。请运行：banshi index rebuild")
        state: dict[str, Any] = json.loads(self.searcher.doc(hits[0][1])["card"][0])
        return int(state["position"])

    def entries(self) -> dict[str, tuple[str, str]]:
        """Guide code -> (item code, checksum) of every document."""
        found: dict[str, tuple[str, str]] = {}
        hits = self.searcher.search(tantivy.Query.all_query(), max(1, self.searcher.num_docs), count=False).hits
        for _score, address in hits:
            stored = self.searcher.doc(address)
            card = json.loads(stored["card"][0])
            if "code" in card:
                found[card["code"]] = (card["item_code"], stored["checksum"][0])
        return found
