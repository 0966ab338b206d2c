"""A lock among machines, kept as a document: whoever holds it renews it, and one that is not renewed may be taken.

No clock is compared between machines: a waiting process takes the lock when it has seen it unchanged for the whole
time to live by its own clock. A holder that stalls longer may wake beside another; the versions of documents (the
outbox position, see writer.py) make that harmless.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

from elasticsearch import ApiError, BadRequestError, ConflictError, Elasticsearch, NotFoundError, TransportError

from indexer.life import BusyError

TIME_TO_LIVE_SECONDS = 6.0
_POLL_SECONDS = 0.2
_INDEX_SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "hidden": True}
_MAPPINGS = {"dynamic": "strict", "properties": {"holder": {"type": "keyword"}, "renewed": {"type": "long"}}}


class Lease:
    """One named lock in an index of locks."""

    def __init__(self, client: Elasticsearch, index: str, name: str) -> None:
        self._client = client
        self._index = index
        self._name = name
        self._holder = uuid.uuid4().hex
        self._renewals = 0
        self._version: dict[str, int] = {}

    @contextlib.contextmanager
    def held(self, busy: str, wait_seconds: float) -> Iterator[None]:
        """Hold the lock for the block; BusyError(busy) where it is not to be had in time."""
        self._acquire(busy, wait_seconds)
        stop = threading.Event()
        renewing = threading.Thread(target=self._keep, args=(stop,), name=f"lease-{self._name}", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            stop.set()
            renewing.join()
            with contextlib.suppress(ApiError, TransportError):  # it runs out by itself
                self._client.delete(index=self._index, id=self._name, **self._version)  # type: ignore[arg-type]

    def _acquire(self, busy: str, wait_seconds: float) -> None:
        """A dead holder's lock is always waited for: it takes no longer than its time to live."""
        self._make_index()
        deadline = time.monotonic() + wait_seconds
        seen: dict[str, int] | None = None
        seen_at = time.monotonic()
        is_alive = False
        while not self._write(None):
            present = self._present()
            now = time.monotonic()
            if present != seen:
                is_alive = is_alive or (seen is not None and present is not None)
                seen, seen_at = present, now
            elif seen is not None and now - seen_at > TIME_TO_LIVE_SECONDS and self._write(seen):
                return
            if is_alive and now > deadline:
                raise BusyError(busy)
            time.sleep(_POLL_SECONDS)

    def _present(self) -> dict[str, int] | None:
        """The version of whoever holds it now, None where nobody does."""
        try:
            found = self._client.get(index=self._index, id=self._name)
        except NotFoundError:
            return None
        return {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}

    def _write(self, replacing: dict[str, int] | None) -> bool:
        """Create the lock, or replace the very version given; False where another was quicker."""
        self._renewals += 1
        document = {"holder": self._holder, "renewed": self._renewals}
        how: dict[str, Any] = {"op_type": "create"} if replacing is None else dict(replacing)
        try:
            written = self._client.index(index=self._index, id=self._name, document=document, **how)
        except ConflictError:
            return False
        self._version = {"if_seq_no": written["_seq_no"], "if_primary_term": written["_primary_term"]}
        return True

    def _make_index(self) -> None:
        if self._client.indices.exists(index=self._index):
            return
        try:
            self._client.indices.create(index=self._index, settings=_INDEX_SETTINGS, mappings=_MAPPINGS)
        except BadRequestError as error:
            if "resource_already_exists" not in str(error):
                raise

    def _keep(self, stop: threading.Event) -> None:
        while not stop.wait(TIME_TO_LIVE_SECONDS / 3):
            with contextlib.suppress(ApiError, TransportError):  # the next beat may come through
                self._write(self._version)
