"""Another city's catalogue: other places, other authorities, no sayings. It is imported and searched without touching
code; the words, the places and the authorities come from the data."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from banshi.composition import Application
from banshi.settings import Settings
from guides import codes, document, exchange
from indexer.rebuild import rebuild
from search.request import SearchRequest
from search.results import SearchResponse
from search.service import SearchService
from tests import catalogue

CITY, OLD_TOWN, LAKE = "532900", "532901", "532930"
DIVISIONS = [
    document.Division(code=CITY, name="大理白族自治州", level="city", aliases=["大理州"]),
    document.Division(code=OLD_TOWN, name="大理市", level="district", parent_code=CITY),
    document.Division(code=LAKE, name="洱源县", level="district", parent_code=CITY, aliases=["洱源"]),
]
AUTHORITIES = {
    ("洱海保护", OLD_TOWN): "大理市洱海管理局",
    ("洱海保护", LAKE): "洱源县洱海保护管理局",
    ("民族事务", CITY): "大理白族自治州民族宗教事务委员会",
}
ITEMS = {
    1: ("洱海保护", "洱海滩地种植核准"),
    2: ("洱海保护", "洱海机动船舶下水核准"),
    3: ("民族事务", "火把节摊位申请"),
}


def departments() -> dict[tuple[str, str], document.Department]:
    return {
        (sector, place): document.Department(
            code=codes.government_credit_code(place, 1 + number), name=name, sector=sector, division_code=place
        )
        for number, ((sector, place), name) in enumerate(AUTHORITIES.items())
    }


def records() -> list[document.AnyRecord]:
    authorities = departments()
    items = {
        serial: document.Item(code=codes.basic_code("21", serial), name=name, type="公共服务", sector=sector)
        for serial, (sector, name) in ITEMS.items()
    }
    guides = [
        document.Guide(
            code=codes.implementation_code(authority.code, "city" if place == CITY else "district", item.code),
            item_code=item.code,
            title=item.name,
            level="city" if place == CITY else "district",
            division_code=place,
            department_code=authority.code,
            summary=f"{item.name}，向{authority.name}提出。",
            applicants=["自然人"],
            themes_individual=["090"],
            case_type="即办件",
            revised_on=datetime.date(2026, 2, 1),
        )
        for item in items.values()
        for (sector, place), authority in authorities.items()
        if sector == item.sector
    ]
    return [*DIVISIONS, *authorities.values(), *items.values(), *guides]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchService]:
    folder: Path = tmp_path_factory.mktemp("foreign")
    database = catalogue.new_database(folder)
    exchange.import_records(database, records(), note="大理")
    database.close()
    application = Application(Settings(data=folder, city_name="大理州"))
    rebuild(application.database, application.index_folder, processes=1)
    yield application.search
    application.database.close()


def ask(service: SearchService, text: str) -> SearchResponse:
    return service.search(SearchRequest(text=text))


def test_its_places_are_understood(service: SearchService) -> None:
    response = ask(service, "洱源 滩地种植要什么材料")
    assert (response.understood.division, response.understood.aspect) == (LAKE, "materials")
    assert response.results[0].department == "洱源县洱海保护管理局"


def test_its_authorities_are_understood(service: SearchService) -> None:
    response = ask(service, "洱源县洱海保护管理局 船舶下水")
    assert (response.understood.division, response.understood.department) == (LAKE, "洱海保护")
    assert response.results[0].title == "洱海机动船舶下水核准"


@pytest.mark.parametrize("text", ["火把节摊位", "huobajie tanwei", "hbj", "火把借摊位", "想在火把节摆个摊位"])
def test_its_words_are_found_however_they_are_spelled(service: SearchService, text: str) -> None:
    assert ask(service, text).results[0].title == "火把节摊位申请"


def test_places_of_the_model_city_mean_nothing_there(service: SearchService) -> None:
    assert ask(service, "道里区滩地种植").understood.division is None


def test_its_items_are_suggested(service: SearchService) -> None:
    assert {s.title for s in service.suggest("eh", 2)} == {"洱海机动船舶下水核准", "洱海滩地种植核准"}
