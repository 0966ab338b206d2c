"""The rooms put together, from settings. Nothing here decides anything; it only connects."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import sqlalchemy as sa
import structlog

from banshi.settings import Settings
from guides import outbox, use
from guides.database import Database
from indexer.analysis import Analyzer
from indexer.elasticsearch.indexes import ElasticsearchIndexes
from indexer.embedded import IndexFolder
from indexer.lexicon import Lexicon
from indexer.life import Indexes
from search.engines.base import Engine, EngineStatus
from search.engines.elasticsearch import ElasticsearchEngine
from search.engines.embedded import EmbeddedEngine
from search.engines.standby import Engines
from search.service import SearchService
from voice.listening import VoiceService
from voice.model_store import ModelStore
from web.context import IndexLag

_OPENINGS_DAYS: Final = 30
"""What people opened so lately decides in which order things are suggested."""


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
    def elasticsearch(self) -> ElasticsearchIndexes:
        """The indexes in Elasticsearch; connects when first used."""
        return ElasticsearchIndexes(self.settings.elasticsearch)

    @property
    def indexes(self) -> list[Indexes]:
        """The indexes of every engine in use, those of the engine that answers first."""
        return [self.indexes_of(name) for name in self.engine_names]

    @property
    def engine_names(self) -> list[str]:
        """The engines in use, the one that answers first."""
        return ["elasticsearch", "embedded"] if self.settings.engine == "elasticsearch" else ["embedded"]

    def indexes_of(self, engine: str) -> Indexes:
        """The indexes of one engine."""
        return self.elasticsearch if engine == "elasticsearch" else self.index_folder

    def engine_of(self, name: str) -> Engine:
        """One engine."""
        return ElasticsearchEngine(self.elasticsearch) if name == "elasticsearch" else self._embedded

    @cached_property
    def _embedded(self) -> EmbeddedEngine:
        return EmbeddedEngine(self.settings.index_folder)

    @cached_property
    def engines(self) -> Engines:
        """The engine of the settings, with the embedded one as its standby."""
        engines = [self.engine_of(name) for name in self.engine_names]
        return Engines(*engines, on_change=_log_change)

    @cached_property
    def search(self) -> SearchService:
        """The search service on the engines."""
        return SearchService(self.engines, self._openings)

    @cached_property
    def models(self) -> ModelStore:
        """The speech models."""
        return ModelStore(self.settings.models_folder)

    @cached_property
    def voice(self) -> VoiceService:
        """The voice service, with the words of the index that answers."""
        return self.voice_with()

    def voice_with(self, *, is_biased: bool = True, streams: int | None = None) -> VoiceService:
        """A voice service of its own: with or without the words of the catalogue, for so many people at once."""

        def words() -> tuple[Lexicon, Analyzer]:
            language = self.search.language
            return language.lexicon, language.analyzer

        return VoiceService(
            lambda: self.models.find(self.settings.voice_model),
            words,
            streams=self.settings.voice_streams if streams is None else streams,
            is_biased=is_biased,
        )

    def search_by_characters(self) -> SearchService:
        """A search service that does not match by sound: for measuring what that brings."""
        service = SearchService(self.engines)
        service.weights = service.weights.model_copy(
            update={"sound_fields": {}, "rerank": service.weights.rerank.model_copy(update={"sound_share": 0.0})}
        )
        return service

    def search_on(self, engine: str) -> SearchService:
        """A search service on one engine alone, without standby."""
        return SearchService(Engines(self.engine_of(engine)), self._openings)

    def _openings(self) -> dict[str, int]:
        """How often the guides of each item were opened of late; none while the database is out of reach."""
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=_OPENINGS_DAYS)
        path = self.database.path
        if path is not None and not path.exists():
            return {}  # to connect would make an empty one
        try:
            with self.database.reading() as connection:
                return use.openings(connection, since)
        except sa.exc.SQLAlchemyError as error:
            structlog.get_logger("use").warning("openings not counted", error=type(error).__name__)
            return {}

    def lag(self, status: EngineStatus) -> IndexLag:
        """How far an engine's index is behind the database."""
        if not status.ready:
            return IndexLag(status, 0, 0.0)
        with self.database.reading() as connection:
            changes = outbox.last_id(connection) - status.position
            unseen = outbox.after(connection, status.position, limit=1)
        if not unseen:
            return IndexLag(status, changes, 0.0)
        created = unseen[0].created_at
        return IndexLag(status, changes, (datetime.datetime.now(datetime.UTC) - created).total_seconds())

    def lags(self) -> list[IndexLag]:
        """How every engine in use is, the one that answers first."""
        return [self.lag(engine.status()) for engine in self.engines.all]


def _log_change(degraded: bool, reason: str) -> None:
    log = structlog.get_logger("search")
    if degraded:
        log.error("engine out of reach, the standby answers", reason=reason)
    else:
        log.info("engine is back")
