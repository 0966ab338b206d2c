"""The document schema in Elasticsearch's terms: strict, and cut at white space only, our tokens being ready made."""

from __future__ import annotations

from typing import Any, Final

from indexer.document import FIELDS, FieldKind

STATE_ID: Final = "__state__"
LEXICON_ID: Final = "__lexicon__"

_PROPERTIES: Final[dict[FieldKind, dict[str, Any]]] = {
    "tokens": {"type": "text", "analyzer": "whitespace"},
    "keyword": {"type": "keyword"},
    "key": {"type": "keyword"},
    "integer": {"type": "long"},
    "stored": {"type": "keyword", "index": False, "doc_values": False},
}


def mappings() -> dict[str, Any]:
    """Every field of indexer.document.FIELDS; a document with any other is refused."""
    return {"dynamic": "strict", "properties": {name: _PROPERTIES[kind] for name, kind in FIELDS.items()}}


def loading_settings(shards: int) -> dict[str, Any]:
    """While an index is filled nobody searches it: no copies, no refreshing, no sync of every request to disk."""
    return {
        "number_of_shards": shards,
        "number_of_replicas": 0,
        "refresh_interval": "-1",
        "translog.durability": "async",
    }


def serving_settings(replicas: int) -> dict[str, Any]:
    """What changes when it is filled. The follower refreshes after each commit by itself."""
    return {"number_of_replicas": replicas, "refresh_interval": "5s", "translog.durability": "request"}
