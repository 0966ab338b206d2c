"""The rooms put together, from settings. Nothing here decides anything; it only connects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from banshi.settings import Settings
from guides.database import Database
from indexer.embedded import IndexFolder
from indexer.lexicon import Lexicon
from search.engines.embedded import EmbeddedEngine
from search.service import SearchService


@dataclass(frozen=True)
class Application:
    """Everything one process may need, made when it is first asked for."""

    settings: Settings

    @cached_property
    def database(self) -> Database:
        """The database; not checked, see Database.require_ready."""
        return Database(self.settings.resolved_database_url)

    @cached_property
    def index_folder(self) -> IndexFolder:
        """The folder of the embedded indexes."""
        return IndexFolder(self.settings.index_folder)

    @cached_property
    def engine(self) -> EmbeddedEngine:
        """The embedded engine."""
        return EmbeddedEngine(self.settings.index_folder)

    @cached_property
    def search(self) -> SearchService:
        """The search service on the engine."""
        return SearchService(self.engine, self._lexicon_source)

    def _lexicon_source(self) -> tuple[object, Callable[[], Lexicon]]:
        folder = self.engine.reader().folder
        stamp = (folder.name, (folder / "lexicon.json").stat().st_mtime_ns)
        return stamp, lambda: Lexicon.load(folder)
