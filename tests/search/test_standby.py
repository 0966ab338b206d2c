"""The first engine, its standby, and the circuit between them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from banshi.composition import Application
from banshi.settings import Settings
from indexer.lexicon import Lexicon
from indexer.rebuild import rebuild
from search.engines.base import (
    Capability,
    Engine,
    EngineRequest,
    EngineResponse,
    EngineStatus,
    EngineUnavailableError,
)
from search.engines.standby import Engines
from search.request import SearchRequest
from search.service import SearchService
from tests import catalogue
from tests.search.engine_contract import GUIDES, ITEMS, SECTORS
from tests.waiting import eventually

REASON = "连不上"


class Frail:
    """An engine that answers as another does, as long as it is told to."""

    name = "frail"
    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, strong: Engine) -> None:
        self._strong = strong
        self.is_up = True
        self.asked = 0

    def _must_be_up(self) -> None:
        self.asked += 1
        if not self.is_up:
            raise EngineUnavailableError(REASON)

    def lexicon_stamp(self) -> object:
        self._must_be_up()
        return self._strong.lexicon_stamp()

    def lexicon(self) -> Lexicon:
        self._must_be_up()
        return self._strong.lexicon()

    def search(self, request: EngineRequest) -> EngineResponse:
        self._must_be_up()
        return self._strong.search(request)

    def status(self) -> EngineStatus:
        return EngineStatus(self.name, self.is_up, "i", 1, 0, "" if self.is_up else REASON)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder: Path = tmp_path_factory.mktemp("standby")
    catalogue.filled_database(folder, ITEMS, GUIDES, SECTORS).close()
    found = Application(Settings(data=folder))
    rebuild(found.database, found.index_folder, processes=1)
    yield found
    found.database.close()


class Pair:
    """A service on a frail engine with a strong standby, and what was told of changes."""

    def __init__(self, application: Application) -> None:
        self.frail = Frail(application.engine_of("embedded"))
        self.told: list[tuple[bool, str]] = []
        self.engines = Engines(
            self.frail,
            application.engine_of("embedded"),
            on_change=lambda degraded, reason: self.told.append((degraded, reason)),
            probe_seconds=0.05,
        )
        self.service = SearchService(self.engines)

    def answered_by(self) -> tuple[str, bool]:
        response = self.service.search(SearchRequest(text="身份证丢了", division="道里区"))
        assert response.results[0].title == "居民身份证补领"
        return response.engine, response.degraded


@pytest.fixture
def pair(application: Application) -> Iterator[Pair]:
    found = Pair(application)
    yield found
    found.frail.is_up = True
    eventually(lambda: found.engines.degraded_reason is None)


def test_the_first_engine_answers_while_it_can(pair: Pair) -> None:
    assert pair.answered_by() == ("frail", False)
    assert pair.engines.degraded_reason is None


def test_the_very_search_that_failed_is_answered_by_the_standby_and_says_so(pair: Pair) -> None:
    pair.answered_by()
    pair.frail.is_up = False
    assert pair.answered_by() == ("embedded", True)
    assert pair.engines.degraded_reason == REASON
    assert pair.told == [(True, REASON)]


def test_while_the_circuit_is_open_no_search_waits_for_the_first_engine(pair: Pair) -> None:
    pair.frail.is_up = False
    pair.answered_by()
    pair.engines._probe_seconds = 3600
    asked_by_probe = pair.frail.asked
    for _ in range(20):
        pair.answered_by()
    assert pair.frail.asked - asked_by_probe <= 2, "at most a probe that was on its way"
    pair.engines._probe_seconds = 0.05


def test_it_is_back_by_itself_when_the_engine_is(pair: Pair) -> None:
    pair.frail.is_up = False
    pair.answered_by()
    pair.frail.is_up = True
    assert eventually(lambda: pair.engines.degraded_reason is None)
    assert pair.answered_by() == ("frail", False)
    assert pair.told == [(True, REASON), (False, "")]


def test_many_failures_at_once_open_the_circuit_once(pair: Pair) -> None:
    pair.frail.is_up = False
    threads = [threading.Thread(target=pair.answered_by) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pair.told == [(True, REASON)]


def test_when_both_fail_the_reason_is_the_first_engines(application: Application, tmp_path: Path) -> None:
    frail = Frail(application.engine_of("embedded"))
    frail.is_up = False
    empty = Application(Settings(data=tmp_path)).engine_of("embedded")
    engines = Engines(frail, empty, probe_seconds=0.05)
    with pytest.raises(EngineUnavailableError, match=REASON):
        SearchService(engines).search(SearchRequest(text="身份证"))
    frail.is_up = True
    assert eventually(lambda: engines.degraded_reason is None)


def test_without_a_standby_the_error_is_told(application: Application) -> None:
    frail = Frail(application.engine_of("embedded"))
    frail.is_up = False
    with pytest.raises(EngineUnavailableError, match=REASON):
        SearchService(Engines(frail)).search(SearchRequest(text="身份证"))


def test_engines_with_the_same_words_share_one_dictionary(pair: Pair) -> None:
    pair.answered_by()
    first = pair.service.language
    pair.frail.is_up = False
    pair.answered_by()
    assert pair.service.language is first
