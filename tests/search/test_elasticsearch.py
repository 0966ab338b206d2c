from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from indexer import follower
from indexer.elasticsearch.indexes import ElasticsearchIndexes
from indexer.rebuild import rebuild
from search.engines.base import EngineRequest, EngineUnavailableError
from search.engines.elasticsearch import LOOK_SECONDS, ElasticsearchEngine
from tests.elasticsearch.node import Node
from tests.elasticsearch.options import options_for
from tests.search.engine_contract import DAOLI, EngineContract, title


class TestElasticsearch(EngineContract):
    """The contract, on a real node."""

    @pytest.fixture(autouse=True)
    def node(self, elasticsearch_node: Node) -> None:
        self.options = options_for(elasticsearch_node, prefix=f"t{uuid.uuid4().hex[:8]}")

    def make_engine(self, folder: Path) -> ElasticsearchEngine:
        self.indexes = ElasticsearchIndexes(self.options)
        rebuild(self.database, self.indexes, processes=1)
        return ElasticsearchEngine(self.indexes)

    def make_engine_without_index(self, folder: Path) -> ElasticsearchEngine:
        return ElasticsearchEngine(ElasticsearchIndexes(self.options))

    def refresh(self) -> None:
        follower.sync(self.database, self.indexes)

    def test_a_swapped_index_is_seen_without_a_restart(self, engine: ElasticsearchEngine) -> None:
        before = engine.reader().name
        rebuild(self.database, self.indexes, processes=1)
        time.sleep(LOOK_SECONDS * 1.5)
        assert engine.reader().name != before
        assert self.titles(engine, title("护照"), DAOLI) == ["普通护照签发"]

    def test_an_index_deleted_under_it_is_told_with_the_remedy(self, engine: ElasticsearchEngine) -> None:
        self.indexes.client.indices.delete(index=engine.reader().name)
        with pytest.raises(EngineUnavailableError):
            engine.search(EngineRequest(title("护照"), DAOLI))
        with pytest.raises(EngineUnavailableError, match="banshi index rebuild"):
            engine.search(EngineRequest(title("护照"), DAOLI))
