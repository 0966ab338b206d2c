"""Reads one index: its state, its lexicon, and what the gate compares."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError
from elasticsearch.helpers import scan

from indexer.elasticsearch.connection import ElasticsearchOptions, translated
from indexer.elasticsearch.mapping import LEXICON_ID, STATE_ID
from indexer.lexicon import Lexicon
from indexer.life import Entry, IndexMissingError, Rejected, State, require_schema

_SCAN_DOCUMENTS: Final = 2000
_SCAN_SECONDS: Final = 60
_NAMED_AT_MOST: Final = 100


def read_state(client: Elasticsearch, name: str) -> tuple[State | None, str]:
    """What the index knows of itself and the digest of its lexicon; (None, "") where it was never committed."""
    try:
        found = client.get(index=name, id=STATE_ID)
    except NotFoundError:
        return None, ""
    state: dict[str, Any] = json.loads(found["_source"]["card"])
    rejected = tuple(Rejected(*each) for each in state["rejected"].items())
    return State(int(state["position"]), rejected), str(state["lexicon"])


class ElasticsearchReader:
    """Reads one index (indexer.life.IndexReader)."""

    def __init__(self, client: Elasticsearch, name: str, options: ElasticsearchOptions) -> None:
        require_schema(name)
        self.name = name
        self._client = client
        self._options = options

    def state_and_stamp(self) -> tuple[State, object]:
        """How far this index is, and something that changes with its lexicon. One request."""
        with translated(self._options):
            state, digest = read_state(self._client, self.name)
        if state is None:
            raise IndexMissingError(f"索引 {self.name} 不完整。请运行：banshi index rebuild")
        return state, (self.name, digest)

    def state(self) -> State:
        """How far this index has followed the outbox."""
        return self.state_and_stamp()[0]

    def lexicon(self) -> Lexicon:
        """The words that this index was built with, and what search must know of the catalogue."""
        with translated(self._options):
            try:
                found = self._client.get(index=self.name, id=LEXICON_ID)
            except NotFoundError:
                raise IndexMissingError(f"索引 {self.name} 不完整。请运行：banshi index rebuild") from None
        return Lexicon.from_json(zlib.decompress(base64.b64decode(found["_source"]["card"])).decode())

    def documents(self) -> int:
        """How many guides the index holds."""
        with translated(self._options):
            return int(self._client.count(index=self.name, query={"exists": {"field": "item_code"}})["count"])

    def entries(self) -> dict[str, Entry]:
        """Guide code -> entry of every document."""
        query = {
            "query": {"exists": {"field": "item_code"}},
            "_source": ["item_code", "division", "department", "checksum"],
        }
        found: dict[str, Entry] = {}
        client = self._client.options(request_timeout=_SCAN_SECONDS)
        with translated(self._options):
            for hit in scan(client, index=self.name, query=query, size=_SCAN_DOCUMENTS):
                source = hit["_source"]
                found[hit["_id"]] = Entry(
                    source["item_code"][0], source["division"][0], source["department"][0], source["checksum"]
                )
        return found

    def named(self, exact: str, division: str) -> list[str]:
        """Codes of the guides with this exact key that serve a division."""
        filters = [{"term": {"exact": exact}}, {"term": {"serves": division}}]
        with translated(self._options):
            answer = self._client.search(
                index=self.name, query={"bool": {"filter": filters}}, size=_NAMED_AT_MOST, source=False
            )
        return sorted(hit["_id"] for hit in answer["hits"]["hits"])
