"""Writes one index by bulk requests. A document that is refused is named, and the others go on.

Every write carries the outbox position it reflects as the document's version (``external_gte``): whoever writes late,
a stalled follower or a rebuild that read before a change, can't put an older state over a newer one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch
from elasticsearch.helpers import scan, streaming_bulk

from indexer.document import IndexDocument
from indexer.elasticsearch.connection import ElasticsearchOptions, explain, explain_item
from indexer.elasticsearch.mapping import LEXICON_ID, STATE_ID, serving_settings
from indexer.elasticsearch.reader import read_state
from indexer.lexicon import Lexicon
from indexer.life import IndexWriteError

_CHUNK_DOCUMENTS: Final = 400
_CHUNK_BYTES: Final = 8_000_000
_BULK_SECONDS: Final = 60
_RETRIES: Final = 4
_FIRST_BACKOFF_SECONDS: Final = 0.5
_MAX_BACKOFF_SECONDS: Final = 10
_GREEN_WAIT: Final = "30s"
_SUPERSEDED: Final = 409
_GONE: Final = 404
_AT_FAULT: Final = 400
_REASON_CHARACTERS: Final = 200
_WRITE_FAILED: Final = "写 Elasticsearch 索引失败，原来的索引照常使用："


class ElasticsearchWriter:
    """Writes one index (indexer.life.IndexWriter)."""

    def __init__(self, client: Elasticsearch, name: str, options: ElasticsearchOptions) -> None:
        self._client = client.options(request_timeout=_BULK_SECONDS, max_retries=_RETRIES, retry_on_timeout=True)
        self._name = name
        self._options = options
        try:
            state, self._lexicon_digest = read_state(client, name)
            self.rejected = {each.code: each.reason for each in state.rejected} if state else {}
        except (ApiError, TransportError) as error:
            raise self._failed(error) from error

    def add(self, documents: Iterable[IndexDocument], position: int) -> int:
        """Add documents; return how many were taken."""
        return self._bulk(({"_op_type": "index", "_id": d["code"][0], "_source": d} for d in documents), position)

    def replace_items(self, made: Iterable[tuple[str, list[IndexDocument]]], position: int) -> None:
        """Put each item's documents in the place of those it had."""
        items: list[str] = []
        kept: set[str] = set()

        def documents() -> Iterator[IndexDocument]:
            for item_code, group in made:
                items.append(item_code)
                for indexed in group:
                    kept.add(indexed["code"][0])
                    yield indexed

        self.add(documents(), position)
        try:
            # What a follower wrote that was killed before its refresh must be seen, too.
            self._client.indices.refresh(index=self._name)
            gone = [code for code in self._codes_of(items) if code not in kept]
        except (ApiError, TransportError) as error:
            raise self._failed(error) from error
        for code in gone:
            self.rejected.pop(code, None)
        self._bulk(({"_op_type": "delete", "_id": code} for code in gone), position)

    def commit(self, position: int, lexicon: Lexicon) -> None:
        """Make everything visible, then note the position: killed in between, the same changes are applied again."""
        text = lexicon.to_json()
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        try:
            self._client.indices.refresh(index=self._name)
            if digest != self._lexicon_digest:
                packed = base64.b64encode(zlib.compress(text.encode())).decode()
                self._client.index(index=self._name, id=LEXICON_ID, document={"code": [LEXICON_ID], "card": packed})
                self._lexicon_digest = digest
            state = json.dumps({"position": position, "lexicon": digest, "rejected": self.rejected})
            self._client.index(index=self._name, id=STATE_ID, document={"code": [STATE_ID], "card": state})
        except (ApiError, TransportError) as error:
            raise self._failed(error) from error

    def finish(self) -> None:
        """One segment, copies, and the settings of an index that is searched; waits a while for the copies."""
        try:
            self._client.indices.forcemerge(index=self._name, max_num_segments=1)
            self._client.indices.put_settings(index=self._name, settings=serving_settings(self._options.replicas))
            self._client.indices.refresh(index=self._name)
            # A cluster with fewer nodes than copies stays yellow: it serves all the same, and `index status` tells.
            self._client.options(ignore_status=408).cluster.health(
                index=self._name, wait_for_status="green", timeout=_GREEN_WAIT
            )
        except (ApiError, TransportError) as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Nothing is held."""

    def _codes_of(self, items: list[str]) -> list[str]:
        query = {"query": {"terms": {"item_code": items}}, "_source": False}
        return [hit["_id"] for hit in scan(self._client, index=self._name, query=query, size=1000)] if items else []

    def _bulk(self, actions: Iterable[dict[str, Any]], position: int) -> int:
        """Send actions in chunks, each when the one before was taken; return how many succeeded.

        Documents at fault (status 400) are noted in ``rejected``. Anything else that fails is the engine's trouble:
        it is tried again with growing pauses, then raised.
        """
        versioned = ({**action, "version": position, "version_type": "external_gte"} for action in actions)
        taken = 0
        try:
            for succeeded, answer in streaming_bulk(
                self._client,
                versioned,
                index=self._name,
                chunk_size=_CHUNK_DOCUMENTS,
                max_chunk_bytes=_CHUNK_BYTES,
                raise_on_error=False,
                max_retries=_RETRIES,
                initial_backoff=_FIRST_BACKOFF_SECONDS,
                max_backoff=_MAX_BACKOFF_SECONDS,
                retry_on_status=(429, 503),
            ):
                (outcome,) = answer.values()
                code, status = outcome["_id"], outcome["status"]
                # A newer state is there already, or what should be deleted is gone: as good as done.
                if succeeded or status in (_SUPERSEDED, _GONE):
                    self.rejected.pop(code, None)
                    taken += 1
                elif status == _AT_FAULT:
                    self.rejected[code] = _reason(outcome["error"])
                else:
                    raise IndexWriteError(_WRITE_FAILED + explain_item(status, outcome["error"], self._options))
        except (ApiError, TransportError) as error:
            raise self._failed(error) from error
        return taken

    def _failed(self, error: Exception) -> IndexWriteError:
        return IndexWriteError(_WRITE_FAILED + explain(error, self._options))


def _reason(error: dict[str, Any]) -> str:
    """The innermost cause in the engine's words, short."""
    while isinstance(error.get("caused_by"), dict):
        error = error["caused_by"]
    return f"{error.get('type', '')}: {str(error.get('reason', ''))[:_REASON_CHARACTERS]}"
