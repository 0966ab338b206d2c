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

from indexer.document import FIELDS, IndexDocument
from indexer.lexicon import Lexicon
from indexer.life import BusyError, Entry, IndexMissingError, IndexWriteError, Rejected, State, new_name, require_schema

_STATE_CODE: Final = "__state__"
_WRITER_HEAP_BYTES: Final = 128_000_000
_WRITER_THREADS: Final = 1
_LOCK_POLL_SECONDS: Final = 0.05
_NAMED_AT_MOST: Final = 100


@cache
def schema() -> tantivy.Schema:
    """The schema of indexer.document in tantivy's terms."""
    builder = tantivy.SchemaBuilder()
    for name, kind in FIELDS.items():
        if kind == "tokens":
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
        elif kind == "keyword":
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
        elif kind == "key":
            builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic", fast=True)
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
    """The folder that holds the embedded indexes (indexer.life.Indexes)."""

    engine = "embedded"

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

    def current(self) -> str:
        """Name of the index that serves; IndexMissingError where there is none."""
        pointer = self.pointer()
        if pointer is None:
            raise IndexMissingError("还没有索引。请先运行：banshi init，再运行：banshi index rebuild")
        return pointer.name

    def previous(self) -> str | None:
        """Name of the index that served before."""
        pointer = self._pointer_if_readable()
        return pointer.previous if pointer else None

    def new_name(self, now: datetime.datetime) -> str:
        """A name for an index made now."""
        return new_name("banshi", now)

    def create(self, name: str, lexicon: Lexicon) -> None:
        """Make the index's folder."""
        (self.root / name).mkdir(parents=True)
        _save_lexicon(self.root / name, lexicon)

    def writer(self, name: str) -> EmbeddedWriter:
        """A writer of the index."""
        return EmbeddedWriter(self.root / name)

    def reader(self, name: str) -> EmbeddedReader:
        """A reader of the index; IndexMissingError where it is not there or of another schema."""
        return EmbeddedReader(self.root / name)

    def discard(self, name: str) -> None:
        """Delete an index that came to nothing; a full disk is not made fuller by what failed on it."""
        shutil.rmtree(self.root / name, ignore_errors=True)

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
    """Writes one tantivy index (indexer.life.IndexWriter). Nothing is seen by readers before ``commit``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._index = tantivy.Index(schema(), path=str(folder))
        self._writer = self._index.writer(_WRITER_HEAP_BYTES, _WRITER_THREADS)
        state = _state(self._index.searcher())
        self.rejected = {} if state is None else {each.code: each.reason for each in state.rejected}

    def add(self, documents: Iterable[IndexDocument], position: int) -> int:  # noqa: ARG002 - one writer, no versions
        """Add documents; return how many were taken."""
        count = 0
        for indexed in documents:
            code = indexed["code"][0]
            try:
                made = tantivy.Document(**indexed)
            except (TypeError, ValueError) as error:
                self.rejected[code] = str(error)
                continue
            self.rejected.pop(code, None)
            with _write_errors():
                self._writer.add_document(made)
            count += 1
        return count

    def replace_items(self, made: Iterable[tuple[str, list[IndexDocument]]], position: int) -> None:
        """Put each item's documents in the place of those it had."""
        for item_code, documents in made:
            self._writer.delete_documents_by_term("item_code", item_code)
            self.add(documents, position)

    def commit(self, position: int, lexicon: Lexicon) -> None:
        """Make everything since the last commit visible, together with the outbox position it reflects."""
        # The lexicon first: killed before the commit, the same changes are applied again.
        _save_lexicon(self._folder, lexicon)
        state = json.dumps({"position": position, "rejected": self.rejected})
        with _write_errors():
            self._writer.delete_documents_by_term("code", _STATE_CODE)
            self._writer.add_document(
                tantivy.Document(code=[_STATE_CODE], card=state, visits_order=0, limit_order=0, popular_order=0)
            )
            self._writer.commit()

    def finish(self) -> None:
        """Nothing to do: tantivy merges as it goes."""

    def close(self) -> None:
        """Wait for merges and let go of the index."""
        with contextlib.suppress(ValueError):  # after a failed commit it is gone already
            self._writer.wait_merging_threads()


def _save_lexicon(folder: Path, lexicon: Lexicon) -> None:
    """The file appears whole or not at all."""
    partial = folder / "lexicon.json.part"
    partial.write_text(lexicon.to_json(), encoding="utf-8")
    partial.replace(folder / "lexicon.json")


def _state(searcher: tantivy.Searcher) -> State | None:
    hits = searcher.search(tantivy.Query.term_query(schema(), "code", _STATE_CODE), 1).hits
    if not hits:
        return None
    state: dict[str, Any] = json.loads(searcher.doc(hits[0][1])["card"][0])
    return State(int(state["position"]), tuple(Rejected(*each) for each in state.get("rejected", {}).items()))


@contextlib.contextmanager
def _write_errors() -> Iterator[None]:
    """tantivy reports what the system refuses as ValueError; say what it is."""
    try:
        yield
    except ValueError as error:
        raise IndexWriteError(f"写索引失败，原来的索引照常使用：{error}。请检查磁盘空间和权限，然后重试。") from error


class EmbeddedReader:
    """Reads one tantivy index as it was at the last ``reload`` (indexer.life.IndexReader)."""

    def __init__(self, folder: Path) -> None:
        if not tantivy.Index.exists(str(folder)):
            raise IndexMissingError(f"索引 {folder.name} 不完整。请运行：banshi index rebuild")
        require_schema(folder.name)
        self.folder = folder
        self.name = folder.name
        self._index = tantivy.Index(schema(), path=str(folder))
        self._index.config_reader(reload_policy="manual")
        self.reload()

    def reload(self) -> None:
        """See the newest commit."""
        self._index.reload()
        self.searcher = self._index.searcher()

    def state(self) -> State:
        """How far this index has followed the outbox."""
        state = _state(self.searcher)
        if state is None:
            raise IndexMissingError(f"索引 {self.name} 不完整。请运行：banshi index rebuild")
        return state

    def lexicon_stamp(self) -> object:
        """Something that changes with the lexicon."""
        return self.name, (self.folder / "lexicon.json").stat().st_mtime_ns

    def lexicon(self) -> Lexicon:
        """The words that this index was built with, and what search must know of the catalogue."""
        return Lexicon.from_json((self.folder / "lexicon.json").read_text(encoding="utf-8"))

    def entries(self) -> dict[str, Entry]:
        """Guide code -> entry of every document."""
        found: dict[str, Entry] = {}
        hits = self.searcher.search(tantivy.Query.all_query(), max(1, self.searcher.num_docs), count=False).hits
        for _score, address in hits:
            stored = self.searcher.doc(address)
            card = json.loads(stored["card"][0])
            if "code" in card:
                found[card["code"]] = Entry(
                    card["item_code"], card["division"]["code"], card["department"]["code"], stored["checksum"][0]
                )
        return found

    def named(self, exact: str, division: str) -> list[str]:
        """Codes of the guides with this exact key that serve a division."""
        clauses = [
            (tantivy.Occur.Must, tantivy.Query.term_query(schema(), field, value, "basic"))
            for field, value in (("exact", exact), ("serves", division))
        ]
        hits = self.searcher.search(tantivy.Query.boolean_query(clauses), _NAMED_AT_MOST).hits
        return sorted(json.loads(self.searcher.doc(address)["card"][0])["code"] for _score, address in hits)
