"""Elasticsearch for tests: a node that all share, and a cluster of its own for a module that ends nodes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.elasticsearch.node import Cluster, Node, start_cluster, start_node


@pytest.fixture(scope="session")
def elasticsearch_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The node of all tests, started for the first that asks. Indices get names of the test's own; nobody ends it."""
    node = start_node(tmp_path_factory.mktemp("elasticsearch"))
    yield node
    node.stop()


@pytest.fixture(scope="module")
def elasticsearch_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A green cluster of three nodes for one module. A test that ends nodes starts them again."""
    cluster = start_cluster(tmp_path_factory.mktemp("elasticsearch-cluster"))
    yield cluster
    cluster.stop()
