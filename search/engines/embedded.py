"""The embedded engine: tantivy in this process, on the index folder that indexer writes.

It sees a new commit or a swapped index by itself, at most REFRESH_SECONDS late.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import tantivy
from tantivy import Occur, Query

from indexer.embedded import EmbeddedReader, IndexFolder
from indexer.lexicon import Lexicon
from indexer.life import IndexMissingError
from search.engines.base import (
    Capability,
    Clause,
    EngineRequest,
    EngineResponse,
    EngineStatus,
    EngineUnavailableError,
    Hit,
    Unscored,
)
from search.engines.matching import Matching
from search.engines.shelf import Address, Shelf, address_of

REFRESH_SECONDS = 0.3
_SHELVES_KEPT: Final = 64


class EmbeddedEngine:
    """Searches the current index of a folder. Safe to share between threads."""

    name = "embedded"
    capabilities: frozenset[Capability] = frozenset({"works without network"})

    def __init__(self, folder: Path) -> None:
        self._folder = IndexFolder(folder)
        self._lock = threading.Lock()
        self._reader: EmbeddedReader | None = None
        self._commit: _Commit | None = None
        self._seen: tuple[str, int] = ("", 0)
        self._checked_at = float("-inf")

    def reader(self) -> EmbeddedReader:
        """A reader of the newest commit of the current index."""
        now = time.monotonic()
        if self._reader is not None and now - self._checked_at < REFRESH_SECONDS:
            return self._reader
        with self._lock:
            try:
                path = self._folder.root / self._folder.current()
                stamp = (path.name, (path / "meta.json").stat().st_mtime_ns)
                if self._reader is None or stamp[0] != self._seen[0]:
                    self._reader = EmbeddedReader(path)
                elif stamp != self._seen:
                    self._reader.reload()
            except (IndexMissingError, OSError, ValueError) as error:
                if self._reader is None:
                    raise EngineUnavailableError(str(error)) from error
                # What was open still answers; a swap in progress is seen at the next look.
                return self._reader
            self._seen, self._checked_at = stamp, now
            return self._reader

    def lexicon_stamp(self) -> object:
        """Something that changes with the lexicon."""
        return self.reader().lexicon_stamp()

    def lexicon(self) -> Lexicon:
        """The lexicon of the index that serves."""
        return self.reader().lexicon()

    def search(self, request: EngineRequest) -> EngineResponse:
        """Answer a request from the newest commit."""
        searcher = self.reader().searcher
        commit = self._commit
        if commit is None or commit.searcher is not searcher:
            commit = self._commit = _Commit(searcher)
        return commit.answer(request)

    def status(self) -> EngineStatus:
        """How the index is."""
        try:
            reader = self.reader()
            position = reader.state().position
        except (EngineUnavailableError, IndexMissingError) as error:
            return EngineStatus(self.name, False, "", 0, 0, str(error))
        # The document that holds the position is no guide.
        return EngineStatus(self.name, True, reader.folder.name, reader.searcher.num_docs - 1, position)


class _Commit:
    """One commit of an index, with what was made of it: the shelves of divisions asked for lately, the words it has."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self.searcher = searcher
        self._matching = Matching(searcher)
        self._shelves: dict[tuple[str, ...], Shelf] = {}

    def answer(self, request: EngineRequest) -> EngineResponse:
        """Match and score all that is there for the division: what filters leave of it is told by bits."""
        started = time.perf_counter()
        shelf = self._shelf(tuple(request.filters.get("serves", ())))
        ranked = self._ranked(shelf, request.query, request.order_field)
        answering = _Page(self.searcher, request, shelf, started)
        response = answering.of(ranked)
        if request.closer is None:
            return response
        near = {address_of(address) for _score, address in self._found(shelf, Unscored(request.closer), None)}
        return replace(response, closer=answering.of([each for each in ranked if each[1] in near]))

    def _shelf(self, serves: tuple[str, ...]) -> Shelf:
        shelf = self._shelves.get(serves)
        if shelf is None:
            if len(self._shelves) >= _SHELVES_KEPT:
                self._shelves.clear()
            shelf = self._shelves[serves] = Shelf(self.searcher, serves)
        return shelf

    def _ranked(self, shelf: Shelf, clause: Clause | None, order_by: str | None) -> list[_Ranked]:
        return [
            (0.0 if order_by else score, address_of(address), address)
            for score, address in self._found(shelf, clause, order_by)
        ]

    def _found(
        self, shelf: Shelf, clause: Clause | None, order_by: str | None
    ) -> Iterable[tuple[float, tantivy.DocAddress]]:
        query = shelf.query
        if clause is not None:
            matching = self._matching.query(clause)
            if matching is None:
                return []
            query = Query.boolean_query([(Occur.Must, matching), (Occur.Must, shelf.query)])
        if order_by is None:
            return self.searcher.search(query, shelf.size, count=False).hits
        order = tantivy.Order.Asc
        return self.searcher.search(query, shelf.size, count=False, order_by_field=order_by, order=order).hits


_Ranked = tuple[float, Address, tantivy.DocAddress]


class _Page:
    """Makes responses to one request of what was found for it."""

    def __init__(self, searcher: tantivy.Searcher, request: EngineRequest, shelf: Shelf, started: float) -> None:
        self._searcher = searcher
        self._request = request
        self._shelf = shelf
        self._started = started
        self._allowed = None if request.filters.keys() <= {"serves"} else shelf.allowed(request.filters)

    def of(self, ranked: list[_Ranked]) -> EngineResponse:
        """The page that was asked for of these, and the counts of them all."""
        request, shelf = self._request, self._shelf
        facets: dict[str, dict[str, int]] = {}
        if request.facets:
            found = shelf.bits(address for _score, address, _of in ranked)
            for field, filters in request.facets.items():
                facets[field] = shelf.counts(field, found & shelf.allowed(filters))
        if self._allowed is not None:
            left = shelf.holds(self._allowed)
            ranked = [each for each in ranked if left(each[1])]
        page = ranked[request.offset : request.offset + request.limit]
        hits = [self._hit(*each) for each in page]
        return EngineResponse(hits, len(ranked), facets, (time.perf_counter() - self._started) * 1000)

    def _hit(self, score: float, at: Address, address: tantivy.DocAddress) -> Hit:
        return Hit(score, *self._shelf.codes(at, address), partial(_card_text, self._searcher, address))


def _card_text(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> str:
    text: str = searcher.doc(address)["card"][0]
    return text
