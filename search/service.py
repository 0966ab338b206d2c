"""The one way to search: on the engine that can answer, with the words of its index.

A service holds what it made from one lexicon (analyzer, understanding, suggestions) and makes it anew when the index
brings another. What happens with one query is in answering.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import TypeVar

from indexer.analysis import Analyzer
from indexer.lexicon import Lexicon
from search import ranking, spoken
from search.answering import Answering, Language
from search.confidence import Elsewhere
from search.engines.base import Engine, EngineUnavailableError
from search.engines.standby import Engines
from search.places import Places
from search.request import SearchRequest, empty_query
from search.reranking import Reranker
from search.results import SearchResponse
from search.suggest import Suggester, Suggestion
from search.understanding import Understanding
from search.uses import Uses
from search.weighing import Weighing

_Answer = TypeVar("_Answer")
# Made from files of this version alone: not anew with every change of the catalogue.
_elsewhere = cache(Elsewhere)
_synonyms = cache(ranking.load_synonyms)


class SearchService:
    """Searches the engine that ``engines`` chooses; one search is answered by one engine from beginning to end.

    ``uses`` counts how often the guides of each item were opened, where somebody counts: suggestions heed it.
    """

    def __init__(self, engines: Engines, uses: Callable[[], Mapping[str, int]] = dict) -> None:
        self.engines = engines
        self._uses = Uses(uses)
        self.weights = ranking.load_weights()
        self._lock = threading.Lock()
        self._languages: dict[str, tuple[object, Language]] = {}

    @property
    def language(self) -> Language:
        """The words of the index that answers now."""
        return self._on_some_engine(lambda engine, _degraded: self._language_of(engine))

    def _on_some_engine(self, ask: Callable[[Engine, bool], _Answer]) -> _Answer:
        """What the first engine that can answer says; EngineUnavailableError where none can."""
        trouble: list[EngineUnavailableError] = []
        for choice in self.engines.choices():
            try:
                return ask(choice.engine, choice.degraded)
            except EngineUnavailableError as error:
                self.engines.failed(choice.engine, error)
                trouble.append(error)
        raise trouble[0]

    def _language_of(self, engine: Engine) -> Language:
        stamp = engine.lexicon_stamp()
        kept = self._languages.get(engine.name)
        if kept is None or kept[0] != stamp:
            with self._lock:
                kept = self._languages.get(engine.name)
                if kept is None or kept[0] != stamp:
                    others = [language for _stamp, language in self._languages.values()]
                    kept = (stamp, _make_language(engine.lexicon(), others, self._uses.known))
                    self._languages[engine.name] = kept
        return kept[1]

    def suggest(self, prefix: str, limit: int = 8) -> list[Suggestion]:
        """What may be meant by a beginning; see Suggester."""
        return self._on_some_engine(lambda engine, _degraded: self._used_language_of(engine)).suggester.suggest(
            prefix, limit
        )

    def _used_language_of(self, engine: Engine) -> Language:
        """The language with suggestions by the newest uses; while another thread makes them, as they were."""
        language = self._language_of(engine)
        uses = self._uses.current()
        if language.uses is not uses and self._lock.acquire(blocking=False):
            try:
                stamp, kept = self._languages[engine.name]
                if kept is language:
                    language = replace(language, uses=uses, suggester=Suggester(language.lexicon, uses))
                    self._languages[engine.name] = (stamp, language)
            finally:
                self._lock.release()
        return language

    def search(self, request: SearchRequest) -> SearchResponse:
        """Answer a request, or raise InvalidRequestError or EngineUnavailableError."""
        started = time.perf_counter()
        request = request.checked()
        if request.is_empty:
            raise empty_query()

        def answer(engine: Engine, degraded: bool) -> SearchResponse:
            answering = Answering(engine, self._language_of(engine), self.weights, degraded=degraded)
            return spoken.answer(request, lambda one: answering.answer(one, started))

        return self._on_some_engine(answer)


def _make_language(lexicon: Lexicon, others: list[Language], uses: Mapping[str, int]) -> Language:
    """``others`` are languages at hand: what is the same is shared, since jieba's dictionary is large."""
    for other in others:
        if other.lexicon == lexicon:
            return other
    analyzer = next((other.analyzer for other in others if other.lexicon.words == lexicon.words), None)
    analyzer = analyzer or Analyzer(lexicon.words)
    themes = {f"{audience}/{code}": name for audience, code, name in lexicon.themes}
    understanding = Understanding(lexicon, analyzer)
    weighing = Weighing(lexicon, understanding.weak, [*_synonyms(), *lexicon.synonyms])
    reranker = Reranker(lexicon, weighing)
    best_bets: dict[str, list[str]] = {}
    for key, item_code in lexicon.best_bets:
        best_bets.setdefault(key, []).append(item_code)
    return Language(
        lexicon=lexicon,
        themes=themes,
        analyzer=analyzer,
        weighing=weighing,
        reranker=reranker,
        elsewhere=_elsewhere(),
        best_bets=best_bets,
        places=Places(lexicon),
        understanding=understanding,
        uses=uses,
        suggester=Suggester(lexicon, uses),
    )
