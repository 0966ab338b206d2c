from __future__ import annotations

import time
from pathlib import Path

from indexer import follower
from indexer.embedded import IndexFolder
from indexer.rebuild import rebuild
from search.engines.base import EngineRequest
from search.engines.embedded import REFRESH_SECONDS, EmbeddedEngine
from tests.search.engine_contract import DAOLI, EngineContract, title


class TestEmbedded(EngineContract):
    """The contract, on tantivy."""

    def make_engine(self, folder: Path) -> EmbeddedEngine:
        self.folder = IndexFolder(folder / "index")
        rebuild(self.database, self.folder, processes=1)
        return EmbeddedEngine(self.folder.root)

    def make_engine_without_index(self, folder: Path) -> EmbeddedEngine:
        return EmbeddedEngine(folder / "none")

    def refresh(self) -> None:
        follower.sync(self.database, self.folder)
        time.sleep(REFRESH_SECONDS * 1.5)

    def test_a_swapped_index_is_seen_without_a_restart(self, engine: EmbeddedEngine) -> None:
        before = engine.status().index
        rebuild(self.database, self.folder, processes=1)
        time.sleep(REFRESH_SECONDS * 1.5)
        assert engine.status().index != before
        assert self.titles(engine, title("护照"), DAOLI) == ["普通护照签发"]

    def test_a_damaged_pointer_leaves_what_was_open_answering(self, engine: EmbeddedEngine) -> None:
        assert engine.search(EngineRequest(title("护照"), DAOLI)).total == 1
        (self.folder.root / "current.json").write_text("{")
        time.sleep(REFRESH_SECONDS * 1.5)
        assert engine.search(EngineRequest(title("护照"), DAOLI)).total == 1
