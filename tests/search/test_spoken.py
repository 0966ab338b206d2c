"""Of several readings of what was said, the one that the catalogue answers."""

from __future__ import annotations

import pytest

from banshi.composition import Application
from search.request import Hypothesis, InvalidRequestError, SearchRequest
from search.results import SearchResponse
from search.service import SearchService


@pytest.fixture(scope="module")
def service(sample: Application) -> SearchService:
    return sample.search


def heard(service: SearchService, *readings: str, **more: object) -> SearchResponse:
    hypotheses = tuple(Hypothesis(text, 1 / (place + 1)) for place, text in enumerate(readings))
    return service.search(SearchRequest(text=readings[0], heard=hypotheses, **more))  # type: ignore[arg-type]


def test_the_reading_that_fits_the_catalogue_is_answered(service: SearchService) -> None:
    response = heard(service, "深分正丢了", "身份证丢了", "神父整丢了", division="230102")
    assert response.query == "身份证丢了"
    assert response.results[0].title == "居民身份证补领"


def test_of_readings_that_lead_to_the_same_guide_the_likeliest_is_told(service: SearchService) -> None:
    assert heard(service, "身份证丢了", "身份证丢了怎么补办").query == "身份证丢了"


def test_a_homophone_in_the_only_reading_is_still_found(service: SearchService) -> None:
    assert heard(service, "营业只照", "营业只找").results[0].title.startswith(("个体工商户", "公司", "营业执照"))


def test_the_place_said_is_taken_from_the_reading_that_is_answered(service: SearchService) -> None:
    response = heard(service, "到里去身份证丢了", "道里区身份证丢了")
    assert response.understood.division == "230102"


def test_one_reading_is_a_query_like_any_other(service: SearchService) -> None:
    typed = service.search(SearchRequest(text="身份证丢了"))
    assert [r.code for r in heard(service, "身份证丢了").results] == [r.code for r in typed.results]


def test_the_second_page_goes_on_with_the_reading_of_the_first(service: SearchService) -> None:
    first = heard(service, "深分正", "身份证", size=5)
    second = heard(service, "深分正", "身份证", size=5, page=2)
    assert first.query == second.query == "身份证"
    assert not {r.code for r in first.results[:5]} & {r.code for r in second.results}


def test_readings_without_words_are_passed_over_and_where_all_are_the_query_is_refused(service: SearchService) -> None:
    assert heard(service, "😀", "身份证丢了").query == "身份证丢了"
    with pytest.raises(InvalidRequestError):
        heard(service, "😀", "…")


def test_where_no_reading_fits_nothing_is_claimed(service: SearchService) -> None:
    response = heard(service, "我想买火车票", "我想卖火车票")
    assert not response.results
    assert response.advice


def test_filters_hold_for_every_reading(service: SearchService) -> None:
    response = heard(service, "深分正丢了", "身份证丢了", applicant="individual", division="230103")
    assert response.understood.applicant == "individual"
    assert response.results[0].division == "230103"
