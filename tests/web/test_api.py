"""The JSON API: its contract, and a description that its live answers obey."""

from __future__ import annotations

from typing import Any

import jsonschema
import openapi_spec_validator
import pytest

from guides import document
from tests.web.conftest import (
    ALLOWANCE,
    EVIL,
    EVIL_GUIDE,
    ID_CARD,
    LOST_CARD,
    PASSPORT,
    PERMITS,
    WITHDRAWN_GUIDE,
)
from tests.web.linting import LintingClient

API = "/api/v1"
ANSWER_FIELDS = {
    "query", "understood", "total", "page", "size", "engine", "degraded", "took_ms", "results", "facets",
    "suggestions", "relaxed",
}  # fmt: skip
RESULT_FIELDS = {
    "code", "item_code", "title", "division", "department", "applicants", "summary", "highlights", "score", "url",
}  # fmt: skip

LIVE = [
    ("/search", "search?q=身份证", 200),
    ("/search", "search?division=230102001&size=50", 200),
    ("/search", "search?q=飞船", 200),
    ("/search", "search?q=飞船&division=230102&applicant=legal&theme=legal/005&online=yes&level=city", 200),
    ("/search", "search", 400),
    ("/search", "search?q=身份证&page=9", 404),
    ("/suggest", "suggest?q=sfz", 200),
    ("/suggest", "suggest?q=飞船", 200),
    ("/suggest", "suggest", 400),
    ("/guides/{code}", f"guides/{LOST_CARD.code}", 200),
    ("/guides/{code}", f"guides/{EVIL_GUIDE.code}", 200),
    ("/guides/{code}", f"guides/{WITHDRAWN_GUIDE.code}", 410),
    ("/guides/{code}", "guides/no-such-guide", 404),
    ("/divisions", "divisions", 200),
    ("/divisions", "divisions?x=1", 400),
    ("/departments", "departments", 200),
    ("/departments", "departments?division=道里区", 200),
    ("/departments", "departments?division=火星", 400),
]


@pytest.fixture(scope="module")
def description(site: Any) -> Any:
    return site.test_client().json(f"{API}/openapi.json")


def search(client: LintingClient, parameters: str) -> Any:
    return client.json(f"{API}/search?{parameters}")


def titles(answer: Any) -> list[str]:
    return [result["title"] for result in answer["results"]]


def counts(answer: Any, facet: str) -> dict[str, int]:
    return {value["value"]: value["count"] for value in answer["facets"][facet]}


def selected(answer: Any, facet: str) -> list[str]:
    return [value["value"] for value in answer["facets"][facet] if value["selected"]]


def test_the_description_is_valid_openapi(description: Any) -> None:
    openapi_spec_validator.validate(description)


def test_the_description_tells_every_path_of_the_api_and_no_other(client: LintingClient, description: Any) -> None:
    rules = {rule.rule for rule in client.application.url_map.iter_rules() if rule.rule.startswith(API)}
    described = {path.replace("{", "<").replace("}", ">") for path in description["paths"]}
    assert described == rules - {f"{API}/openapi.json"}


@pytest.mark.parametrize(("path", "address", "status"), LIVE, ids=range(len(LIVE)))
def test_an_answer_obeys_its_description(
    client: LintingClient, description: Any, path: str, address: str, status: int
) -> None:
    answer = client.json(f"{API}/{address}", status)
    operation = description["paths"][f"{API}{path}"]["get"]
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    whole = {**schema, "components": description["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(answer)


def test_the_descriptions_schemas_do_refuse_what_is_wrong(client: LintingClient, description: Any) -> None:
    schema = {"$ref": "#/components/schemas/SearchResponse", "components": description["components"]}
    answer = search(client, "q=飞船")
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(answer)
    for field in ANSWER_FIELDS:
        assert not validator.is_valid({name: value for name, value in answer.items() if name != field}), field
    assert not validator.is_valid({**answer, "total": "one"})


def test_every_parameter_of_the_search_is_described(client: LintingClient, description: Any) -> None:
    described = {p["name"] for p in description["paths"][f"{API}/search"]["get"]["parameters"]}
    message = client.json(f"{API}/search?nonsense=1", 400)["error"]["message"]
    assert set(message.partition("可用的是 ")[2].rstrip("。").split("、")) == described


def test_a_search_answers_by_the_contract(client: LintingClient) -> None:
    answer = search(client, "q=身份证丢了&division=230102&size=5")
    assert set(answer) >= ANSWER_FIELDS
    assert (answer["query"], answer["page"], answer["size"], answer["total"]) == ("身份证丢了", 1, 5, 1)
    assert (answer["engine"], answer["degraded"]) == ("embedded", False)
    assert answer["took_ms"] > 0
    (result,) = answer["results"]
    assert set(result) >= RESULT_FIELDS
    assert (result["code"], result["item_code"], result["title"]) == (LOST_CARD.code, ID_CARD.code, ID_CARD.name)
    assert (result["division"], result["department"]) == ("230102", "道里区公安局")
    assert result["applicants"] == ["individual"]
    assert result["score"] > 0
    assert client.get(result["url"]).status_code == 200


def test_the_answer_tells_how_the_query_was_understood(client: LintingClient) -> None:
    understood = search(client, "q=道里区 企业 怎么办营业执照")["understood"]
    assert (understood["text"], understood["division"], understood["applicant"]) == ("营业执照", "230102", "legal")
    assert [(chip["kind"], chip["words"]) for chip in understood["chips"]] == [
        ("division", "道里区"),
        ("applicant", "企业"),
    ]
    assert (understood["department"], understood["aspect"]) == (None, None)
    assert search(client, "q=身份证丢了要带什么")["understood"]["aspect"] == "materials"
    assert search(client, "q=身份证&department=公安局")["understood"]["department"]


def test_a_chip_tells_the_query_without_it(client: LintingClient) -> None:
    chip = search(client, "q=道里区办护照")["understood"]["chips"][0]
    assert (chip["kind"], chip["value"], chip["label"], chip["without"]) == ("division", "230102", "道里区", "办护照")
    assert search(client, f"q={chip['without']}")["understood"]["division"] is None


def test_highlights_are_pairs_of_characters(client: LintingClient) -> None:
    result = search(client, "q=普通护照&division=230102")["results"][0]
    assert [result["title"][start:end] for start, end in result["highlights"]["title"]] == ["普通护照"]
    assert all("护照" in result["summary"][start:end] for start, end in result["highlights"]["summary"])


def test_a_service_of_districts_says_so(client: LintingClient) -> None:
    assert search(client, "q=身份证丢了")["results"][0]["asks_division"] is True
    assert search(client, "q=身份证丢了&division=南岗区")["results"][0]["asks_division"] is False


def test_filters_that_leave_nothing_are_relaxed_in_the_answer(client: LintingClient) -> None:
    answer = search(client, "q=护照&division=230102&applicant=legal")
    assert (answer["total"], answer["results"]) == (0, [])
    (relaxed,) = answer["relaxed"]
    assert (relaxed["dropped"], relaxed["total"]) == (["applicant"], 1)
    assert set(relaxed["results"][0]) >= RESULT_FIELDS
    assert answer["suggestions"]


def test_nothing_like_it_is_answered_with_nothing(client: LintingClient) -> None:
    answer = search(client, "q=飞船")
    assert (answer["total"], answer["results"], answer["relaxed"]) == (0, [], [])


def test_facets_are_counted_without_their_own_filter_and_under_all_others(client: LintingClient) -> None:
    free = search(client, "division=230102")
    assert counts(free, "department") == {"公安": 3 + len(PERMITS), "市场监管": 1, "民政": 1}
    assert counts(free, "applicant") == {"individual": 4 + len(PERMITS), "legal": 1}
    by_department = search(client, "division=230102&department=市场监管")
    assert counts(by_department, "department") == counts(free, "department")
    assert counts(by_department, "applicant") == {"legal": 1}
    assert selected(by_department, "department") == ["市场监管"]
    by_both = search(client, "division=230102&department=市场监管&applicant=individual")
    assert by_both["total"] == 0
    assert counts(by_both, "applicant") == {"legal": 1}
    assert counts(by_both, "department") == {"公安": 3 + len(PERMITS), "民政": 1}


@pytest.mark.parametrize(
    ("facet", "value"),
    [
        ("department", "公安"),
        ("applicant", "legal"),
        ("theme", "individual/090"),
        ("online", "no"),
        ("level", "city"),
    ],
)
def test_a_facet_counts_what_choosing_its_value_would_find(client: LintingClient, facet: str, value: str) -> None:
    free = search(client, "division=230102")
    chosen = search(client, f"division=230102&{facet}={value}")
    assert chosen["total"] == counts(free, facet)[value]
    assert counts(chosen, facet) == counts(free, facet)
    assert selected(chosen, facet) == [value]
    assert selected(free, facet) == []


def test_facets_count_what_the_words_find(client: LintingClient) -> None:
    answer = search(client, "q=护照&division=230102")
    assert counts(answer, "department") == {"公安": 1}


def test_themes_are_those_of_the_applicant(client: LintingClient) -> None:
    assert set(counts(search(client, "division=230102"), "theme")) == {"individual/090", "legal/005"}
    assert set(counts(search(client, "division=230102&applicant=legal"), "theme")) == {"legal/005"}


@pytest.mark.parametrize(("sort", "first"), [("visits", PASSPORT.name), ("relevance", ID_CARD.name)])
def test_results_are_sorted_as_asked(client: LintingClient, sort: str, first: str) -> None:
    assert titles(search(client, f"division=230103&sort={sort}"))[0] == first


def test_the_shortest_limit_comes_first_when_asked(client: LintingClient) -> None:
    assert titles(search(client, "division=230102&sort=limit"))[0] == PASSPORT.name


def test_pages_hold_every_service_once(client: LintingClient) -> None:
    found = [t for page in (1, 2, 3, 4) for t in titles(search(client, f"q=行业许可&size=8&page={page}"))]
    assert sorted(found) == sorted(permit.name for permit in PERMITS)
    assert search(client, "q=行业许可&size=8&page=4")["total"] == len(PERMITS)


def test_a_guide_is_given_whole(client: LintingClient) -> None:
    answer = client.json(f"{API}/guides/{LOST_CARD.code}")
    assert {name: answer[name] for name in document.Guide.model_fields} == document.dump(LOST_CARD)
    assert answer["version"] == 1
    assert answer["item"]["name"] == ID_CARD.name
    assert answer["department"]["name"] == "道里区公安局"
    assert answer["division"]["name"] == "道里区"
    assert "南岗区" in [other["division_name"] for other in answer["elsewhere"]]
    assert answer["url"] == f"http://banshi.example/guides/{LOST_CARD.code}"


def test_markup_travels_as_data(client: LintingClient) -> None:
    response = client.get(f"{API}/guides/{EVIL_GUIDE.code}")
    assert response.mimetype == "application/json"
    assert response.get_json()["title"] == EVIL


def test_chinese_is_written_as_it_is(client: LintingClient) -> None:
    assert "居民身份证补领" in client.get(f"{API}/search?q=身份证").text


@pytest.mark.parametrize(
    ("prefix", "title"),
    [
        ("身份证", ID_CARD.name),
        ("居民身", ID_CARD.name),
        ("護照", PASSPORT.name),
        ("shenfenzheng", ID_CARD.name),
        ("shenfenz", ID_CARD.name),
        ("SFZ", ID_CARD.name),
        ("ｓｆｚ", ID_CARD.name),
        ("bhz", PASSPORT.name),
        ("dibao", ALLOWANCE.name),
        ("ban护zhao", PASSPORT.name),
        ("身份zheng", ID_CARD.name),
        ("身份正", ID_CARD.name),
    ],
)
def test_suggestions_come_by_characters_pinyin_and_initials(client: LintingClient, prefix: str, title: str) -> None:
    answer = client.json(f"{API}/suggest?q={prefix}")
    assert answer["query"] == prefix
    assert answer["suggestions"][0]["title"] == title
    assert set(answer["suggestions"][0]) >= {"text", "item_code", "title", "sector"}
    assert answer["suggestions"][0]["kind"] == "item"


def test_a_suggestion_finds_what_it_suggests(client: LintingClient) -> None:
    for suggestion in client.json(f"{API}/suggest?q=证&size=20")["suggestions"]:
        results = search(client, f"q={suggestion['text']}&division=230102")["results"]
        assert results[0]["item_code"] == suggestion["item_code"]


def test_suggestions_are_as_many_as_asked_and_one_an_item(client: LintingClient) -> None:
    few = client.json(f"{API}/suggest?q=行业许可&size=3")["suggestions"]
    many = client.json(f"{API}/suggest?q=行业许可&size=20")["suggestions"]
    assert (len(few), len(many)) == (3, 20)
    assert many[:3] == few
    assert len({suggestion["item_code"] for suggestion in many}) == 20


def test_a_department_is_suggested_with_its_services_of_the_division(client: LintingClient) -> None:
    for division, services in (("", 4), ("&division=230103", 3), ("&division=南岗区", 3)):
        department = client.json(f"{API}/suggest?q=公安{division}")["suggestions"][0]
        assert (department["kind"], department["text"], department["item_code"]) == ("department", "公安", "")
        found = client.json(f"{API}{department['url']}")
        assert department["services"] == found["total"] == services + len(PERMITS)
        assert {result["department"][-3:] for result in found["results"]} == {"公安局"}


def test_a_department_without_services_in_the_division_is_not_suggested(client: LintingClient) -> None:
    assert "department" in kinds(client.json(f"{API}/suggest?q=市场监管&division=230102"))
    assert "department" not in kinds(client.json(f"{API}/suggest?q=市场监管&division=230103"))


def test_the_address_of_a_suggestion_finds_it_in_the_division(client: LintingClient) -> None:
    (suggestion,) = client.json(f"{API}/suggest?q=bhz&division=道里区")["suggestions"]
    found = client.json(f"{API}{suggestion['url']}")
    assert found["results"][0]["item_code"] == suggestion["item_code"]
    assert found["understood"]["division"] == "230102"


def test_a_suggestion_says_which_part_of_it_was_typed(client: LintingClient) -> None:
    for prefix, text, typed in (
        ("huzhao", "普通护照签发", "护照"),
        ("护照", "普通护照签发", "护照"),
        ("恶意", EVIL, "恶意"),
    ):
        found = client.json(f"{API}/suggest?q={prefix}")["suggestions"]
        ((start, end),) = next(s["highlights"] for s in found if text in (s["text"], s["title"]))
        assert next(s["text"] for s in found if text in (s["text"], s["title"]))[start:end] == typed


def kinds(answer: Any) -> set[str]:
    return {suggestion["kind"] for suggestion in answer["suggestions"]}


def test_what_is_not_published_is_not_suggested(client: LintingClient) -> None:
    for prefix in ("暂住证", "尚未发布"):
        assert client.json(f"{API}/suggest?q={prefix}")["suggestions"] == []


def test_the_divisions_come_as_a_tree_parents_first(client: LintingClient) -> None:
    divisions = client.json(f"{API}/divisions")["divisions"]
    assert [d["name"] for d in divisions] == ["哈尔滨市", "道里区", "南岗区", "兆麟街道", "花园街道"]
    seen: set[str | None] = {None}
    for division in divisions:
        assert division["parent_code"] in seen
        seen.add(division["code"])


def test_the_departments_are_those_of_a_division_with_what_people_call_them(client: LintingClient) -> None:
    city = client.json(f"{API}/departments")
    assert city["division"] == "230100"
    assert [d["name"] for d in city["departments"]] == ["哈尔滨市公安局", "哈尔滨市市场监管局", "哈尔滨市民政局"]
    district = client.json(f"{API}/departments?division=南岗")
    assert district["division"] == "230103"
    assert {d["name"] for d in district["departments"]} == {"南岗区公安局", "南岗区市场监管局", "南岗区民政局"}
    sectors = {s["name"]: s for s in district["sectors"]}
    assert sectors["民政"] == {"name": "民政", "aliases": ["民政局"], "services": 1}
    assert "市场监管" not in sectors
