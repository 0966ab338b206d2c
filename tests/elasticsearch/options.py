"""How tests reach a node: as any deployment would, each under a prefix of its own."""

from __future__ import annotations

from indexer.elasticsearch.connection import ElasticsearchOptions
from tests.elasticsearch.node import Node


def options_for(node: Node, prefix: str, **more: object) -> ElasticsearchOptions:
    """Options for a single node, which can hold no copies."""
    values: dict[str, object] = {"urls": (node.url,), "index": prefix, "replicas": 0, "timeout_seconds": 10.0}
    return ElasticsearchOptions(**(values | more))  # type: ignore[arg-type]
