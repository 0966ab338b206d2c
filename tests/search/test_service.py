"""The whole answer: understanding, filters, facets, relaxing, paging."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from banshi.composition import Application
from banshi.settings import Settings
from indexer.rebuild import rebuild
from search.request import MAX_HYPOTHESES, Hypothesis, InvalidRequestError, SearchRequest
from search.results import SearchResponse
from search.service import SearchService
from tests import catalogue
from tests.search.engine_contract import GUIDES, ITEMS, SECTORS


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchService]:
    folder: Path = tmp_path_factory.mktemp("service")
    catalogue.filled_database(folder, ITEMS, GUIDES, SECTORS).close()
    application = Application(Settings(data=folder))
    rebuild(application.database, application.index_folder, processes=1)
    yield application.search
    application.database.close()


def ask(service: SearchService, text: str, **filters: object) -> SearchResponse:
    return service.search(SearchRequest(text=text, **filters))  # type: ignore[arg-type]


def titles(response: SearchResponse) -> list[str]:
    return [result.title for result in response.results]


def test_an_alias_finds_its_guide_first(service: SearchService) -> None:
    assert titles(ask(service, "身份证丢了怎么办", division="道里区"))[0] == "居民身份证补领"


def test_a_district_in_the_words_becomes_a_chip_and_a_filter(service: SearchService) -> None:
    response = ask(service, "道里区办护照")
    assert response.understood.division == "230102"
    assert [(c.kind, c.label, c.words, c.without) for c in response.understood.chips] == [
        ("division", "道里区", "道里区", "办护照")
    ]
    assert response.results[0].division == "230102"


def test_the_district_said_outweighs_the_one_given(service: SearchService) -> None:
    assert ask(service, "南岗区办护照", division="道里区").understood.division == "230103"


def test_taken_literally_nothing_is_understood(service: SearchService) -> None:
    response = ask(service, "道里区护照", literal=True)
    assert response.understood.chips == []
    assert response.understood.text == "道里区护照"


def test_a_service_of_districts_asks_for_the_district(service: SearchService) -> None:
    result = ask(service, "身份证").results[0]
    assert result.asks_division
    assert result.url.startswith("/items/")
    assert not ask(service, "身份证", division="道里区").results[0].asks_division


def test_the_aspect_asked_is_answered_on_the_card_and_opens_the_page_there(service: SearchService) -> None:
    response = ask(service, "办护照要带什么", division="道里区")
    assert response.understood.aspect == "materials"
    assert response.results[0].answer == "要带：居民户口簿"
    assert response.results[0].url.endswith("#materials")


def test_each_facet_is_counted_without_its_own_filter(service: SearchService) -> None:
    response = ask(service, "", division="道里区", department="公安")
    counts = {value.value: (value.count, value.selected) for value in response.facets["department"]}
    assert counts == {"公安": (2, True), "市场监管": (1, False), "民政": (1, False)}
    assert {value.value: value.count for value in response.facets["applicant"]} == {"individual": 2}


def test_an_everyday_name_of_a_department_filters(service: SearchService) -> None:
    assert titles(ask(service, "", division="道里区", department="民政局")) == ["最低生活保障金给付"]


def test_filters_that_leave_nothing_are_dropped_visibly(service: SearchService) -> None:
    response = ask(service, "护照", division="道里区", applicant="legal")
    assert response.total == 0
    assert [relaxed.dropped for relaxed in response.relaxed] == [["applicant"]]
    assert response.relaxed[0].results[0].title == "普通护照签发"


def test_sorted_by_visits_the_fewest_come_first(service: SearchService) -> None:
    assert titles(ask(service, "", division="南岗区", sort="visits"))[0] == "普通护照签发"


def test_matched_words_are_marked(service: SearchService) -> None:
    result = ask(service, "护照", division="道里区").results[0]
    assert [result.title[a:b] for a, b in result.highlights["title"]] == ["护照"]


def test_traditional_full_width_and_spaced_words_find_the_same(service: SearchService) -> None:
    wanted = titles(ask(service, "营业执照", division="道里区"))
    assert wanted
    assert titles(ask(service, "營業執照", division="道里区")) == wanted
    assert titles(ask(service, " 营业执照　", division="道里区")) == wanted


@pytest.mark.parametrize(
    ("request_", "code", "status"),
    [
        (SearchRequest(), "empty_query", 400),
        (SearchRequest(text="   "), "empty_query", 400),
        (SearchRequest(text="😀🎉"), "nothing_readable", 400),
        (SearchRequest(text="长" * 10_000), "query_too_long", 400),
        (SearchRequest(text="a", division="火星"), "unknown_division", 400),
        (SearchRequest(text="a", department="航天局"), "unknown_department", 400),
        (SearchRequest(text="a", applicant="alien"), "invalid_applicant", 400),
        (SearchRequest(text="a", sort="luck"), "invalid_sort", 400),
        (SearchRequest(text="a", size=10_000), "invalid_size", 400),
        (SearchRequest(text="a", page=0), "invalid_page", 400),
        (SearchRequest(text="a", heard=(Hypothesis("护照", 0.0),)), "invalid_heard", 400),
        (SearchRequest(text="a", heard=(Hypothesis("护照", 1.01),)), "invalid_heard", 400),
        (SearchRequest(text="a", heard=(Hypothesis("护照", float("nan")),)), "invalid_heard", 400),
        (SearchRequest(text="a", heard=(Hypothesis(" ", 0.5),)), "invalid_heard", 400),
        (SearchRequest(text="a", heard=(Hypothesis("长" * 201, 0.5),)), "invalid_heard", 400),
        (SearchRequest(text="a", heard=(Hypothesis("护照", 0.5),) * (MAX_HYPOTHESES + 1)), "invalid_heard", 400),
        (SearchRequest(text="护照", page=999), "page_past_end", 404),
        (SearchRequest(text="护照", page=10**9), "page_past_end", 404),
    ],
)
def test_bad_requests_are_refused_with_a_reason(
    service: SearchService, request_: SearchRequest, code: str, status: int
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        service.search(request_)
    assert (caught.value.code, caught.value.status) == (code, status)


STRANGE = {
    "half a surrogate": "\ud800",
    "half a surrogate in a word": "身\ud83d份证",
    "control characters": "\x00\x01",
    "right to left": "\u202e身份证",
    "invisible": "\u200d",
    "query syntax": "{}[]()\"'\\/*?:+-",
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_strange_characters_are_answered_or_refused_but_never_crash(service: SearchService, text: str) -> None:
    try:
        ask(service, text)
    except InvalidRequestError as error:
        assert error.code == "nothing_readable"


def test_suggestions_come_by_characters_pinyin_and_initials(service: SearchService) -> None:
    for prefix in ("办护", "普通护照", "banhu", "bhz", "pthz"):
        assert service.suggest(prefix)[0].title == "普通护照签发", prefix
    assert service.suggest("") == []
    assert service.suggest("\ud800") == []


def test_of_two_filters_only_the_one_that_is_in_the_way_is_dropped(service: SearchService) -> None:
    response = ask(service, "护照", division="道里区", theme="individual/090", applicant="legal")
    assert [relaxed.dropped for relaxed in response.relaxed] == [["applicant"]]
    assert response.relaxed[0].labels == ["企业和单位"]
