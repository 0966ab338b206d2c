"""What no one should send and someone will: every answer is a page or a JSON error that says what to do."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.web.conftest import DRAFT_GUIDE, LOST_CARD, WITHDRAWN_GUIDE
from tests.web.linting import LintingClient, Page

LONG = quote("长" * 10_000)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
OF_THE_MACHINE = re.compile(
    r"Traceback|Exception|\bError\b|File \"|line \d+|sqlalchemy|sqlite|tantivy|\.py\b|NoneType|object at 0x",
    re.IGNORECASE,
)

PAGES = [
    ("/search", 200, "请输入要办的事"),
    ("/search?q=", 200, "请输入要办的事"),
    ("/search?q=%20%E3%80%80%20", 200, "请输入要办的事"),
    (f"/search?q={LONG}", 400, "您输入了 10000 个字，最多 200 个字"),
    ("/search?q=身份证" + "%20" * 5000, 200, "居民身份证补领"),
    ("/search?q=😀🎉", 400, "没有看到文字"),
    ("/search?q=身份证😀", 200, "居民身份证补领"),
    ("/search?q=%E2%80%AE身份证", 200, "居民身份证补领"),
    ("/search?q=%ED%A0%80", 200, "没有找到完全符合的服务"),
    ("/search?q=身份证%ED%A0%80", 200, "居民身份证补领"),
    ("/search?q=%FF%FE身份证", 200, "居民身份证补领"),
    ("/search?q=%", 400, "没有看到文字"),
    ("/search?q={}[]()\"'\\/*?:%2B-", 400, "没有看到文字"),
    ("/search?q=' OR 'x'='x' --", 200, "没有找到完全符合的服务"),
    ("/search?q=title:护照 AND *", 200, "普通护照签发"),
    ("/search?q=身份证&q=护照", 200, "居民身份证补领"),
    ("/search?q=身份证&division=火星", 400, "没有“火星”这个区划"),
    ("/search?q=身份证&division=道理区", 400, "您是不是要找：道里区"),
    ("/search?q=身份证&division=999999", 400, "没有“999999”这个区划"),
    ("/search?q=身份证&division=%ED%A0%80", 400, "这个区划"),
    (f"/search?q=身份证&division={LONG}", 400, "这个区划"),
    ("/search?q=身份证&department=航天局", 400, "没有“航天局”这个部门"),
    (f"/search?q=身份证&department={LONG}", 400, "这个部门"),
    ("/search?q=身份证&department=" + "|" * 3000, 400, "这个部门"),
    ("/search?q=身份证&page=999", 404, "没有这一页。最后一页是第 1 页"),
    ("/search?q=身份证&page=999999999", 404, "没有这一页"),
    ("/search?q=身份证&page=0", 400, "页码应从 1 开始"),
    ("/search?q=身份证&page=-1", 400, "页码应从 1 开始"),
    ("/search?q=身份证&page=abc", 400, "应为整数"),
    ("/search?q=身份证&page=1.5", 400, "应为整数"),
    ("/search?q=身份证&page=" + "9" * 5000, 400, "应为整数"),
    ("/search?q=身份证&page=", 200, "居民身份证补领"),
    ("/search?q=身份证&page=１", 200, "居民身份证补领"),
    ("/search?q=身份证&size=10000", 400, "每页条数应在 1 到 50 之间"),
    ("/search?q=身份证&size=０", 400, "每页条数应在 1 到 50 之间"),
    ("/search?q=身份证&size=５", 200, "居民身份证补领"),
    ("/search?q=身份证&applicant=alien", 400, "individual、legal"),
    ("/search?q=身份证&level=moon", 400, "应为"),
    ("/search?q=身份证&sort=luck", 400, "relevance、visits、limit"),
    ("/search?q=身份证&online=maybe", 400, "yes 或 no"),
    ("/search?q=身份证&literal=maybe", 400, "yes 或 no"),
    ("/search?q=身份证&theme=legal/999", 200, "没有找到完全符合的服务"),
    ("/search?q=身份证&utm_source=poster", 200, "居民身份证补领"),
    ("/divisions/火星", 404, "没有“火星”这个区划"),
    ("/divisions/%ED%A0%80", 404, "这个区划"),
    ("/items/%ED%A0%80", 404, "没有这个页面"),
    (f"/guides/{LONG}", 404, "没有这个页面"),
    (f"/guides/{LOST_CARD.code}?situation0={LONG}", 200, "居民身份证补领"),
    ("/?division=火星", 200, "您要办什么事"),
]

API_ERRORS = [
    ("search", 400, "empty_query", "q"),
    ("search?q=", 400, "empty_query", "q"),
    ("search?q=%20%E3%80%80", 400, "empty_query", "q"),
    (f"search?q={LONG}", 400, "query_too_long", "q"),
    ("search?q=%00%01%1F", 400, "nothing_readable", "q"),
    ("search?q=😀🎉", 400, "nothing_readable", "q"),
    ("search?q=%E2%80%AE", 400, "nothing_readable", "q"),
    ("search?q=%EF%BF%BD", 400, "nothing_readable", "q"),
    ("search?q=，。！", 400, "nothing_readable", "q"),
    ("search?q=身份证&division=火星", 400, "unknown_division", "division"),
    (f"search?q=身份证&division={LONG}", 400, "unknown_division", "division"),
    ("search?q=身份证&department=航天局", 400, "unknown_department", "department"),
    ("search?q=身份证&department=公安|道里区公安局|", 400, "unknown_department", "department"),
    ("search?q=身份证&page=999", 404, "page_past_end", "page"),
    ("search?q=身份证&page=201&size=50", 404, "page_past_end", "page"),
    ("search?q=身份证&page=0", 400, "invalid_page", "page"),
    ("search?q=身份证&page=-5", 400, "invalid_page", "page"),
    ("search?q=身份证&page=abc", 400, "invalid_page", "page"),
    ("search?q=身份证&page=1e3", 400, "invalid_page", "page"),
    ("search?q=身份证&size=10000", 400, "invalid_size", "size"),
    ("search?q=身份证&size=51", 400, "invalid_size", "size"),
    ("search?q=身份证&size=０", 400, "invalid_size", "size"),
    ("search?q=身份证&size=十", 400, "invalid_size", "size"),
    ("search?q=身份证&size=%ED%A0%80", 400, "invalid_size", "size"),
    ("search?q=身份证&applicant=alien", 400, "invalid_applicant", "applicant"),
    ("search?q=身份证&level=moon", 400, "invalid_level", "level"),
    ("search?q=身份证&sort=luck", 400, "invalid_sort", "sort"),
    ("search?q=身份证&online=maybe", 400, "invalid_online", "online"),
    ("search?q=身份证&literal=2", 400, "invalid_literal", "literal"),
    ("search?q=身份证&divsion=道里区", 400, "unknown_parameter", "divsion"),
    ("search?query=身份证", 400, "unknown_parameter", "query"),
    (f"search?{LONG}=1", 400, "unknown_parameter", "长" * 40),
    ("suggest", 400, "empty_query", "q"),
    ("suggest?q=%20", 400, "empty_query", "q"),
    ("suggest?q=" + quote("长" * 51), 400, "query_too_long", "q"),
    (f"suggest?q={LONG}", 400, "query_too_long", "q"),
    ("suggest?q=s&size=0", 400, "invalid_size", "size"),
    ("suggest?q=s&size=21", 400, "invalid_size", "size"),
    ("suggest?q=s&size=x", 400, "invalid_size", "size"),
    ("suggest?q=s&page=1", 400, "unknown_parameter", "page"),
    ("suggest?q=s&division=火星", 400, "unknown_division", "division"),
    ("departments?division=火星", 400, "unknown_division", "division"),
    ("departments?sector=公安", 400, "unknown_parameter", "sector"),
    ("divisions?q=道里", 400, "unknown_parameter", "q"),
    ("guides/no-such-guide", 404, "not_found", "code"),
    ("guides/%ED%A0%80", 404, "not_found", "code"),
    ("guides/%00", 404, "not_found", "code"),
    (f"guides/{LONG}", 404, "not_found", "code"),
    (f"guides/{DRAFT_GUIDE.code}", 404, "not_found", "code"),
    (f"guides/{WITHDRAWN_GUIDE.code}", 410, "withdrawn", "code"),
    ("no-such-thing", 404, "not_found", None),
    ("", 404, "not_found", None),
]


@pytest.mark.parametrize(("address", "status", "words"), PAGES, ids=range(len(PAGES)))
def test_a_page_says_what_is_wrong_and_keeps_a_way_on(
    client: LintingClient, address: str, status: int, words: str
) -> None:
    page = client.page(address, status)
    assert words in page.text
    assert not OF_THE_MACHINE.search(page.text)
    if status >= 400:
        assert page.links()["回到首页"] == "/"


@pytest.mark.parametrize(("path", "status", "code", "field"), API_ERRORS, ids=range(len(API_ERRORS)))
def test_an_error_of_the_api_names_the_parameter_and_says_what_to_do(
    client: LintingClient, path: str, status: int, code: str, field: str | None
) -> None:
    error = api_error(client.json(f"/api/v1/{path}", status))
    assert (error["code"], error["field"]) == (code, field)


def api_error(answer: Any) -> Any:
    """The error in an answer that is nothing but an error in the API's form."""
    assert set(answer) == {"error"}
    error = answer["error"]
    assert set(error) == {"code", "message", "field"}
    assert re.fullmatch(r"[a-z_]+", error["code"])
    assert CHINESE.search(error["message"])
    assert not OF_THE_MACHINE.search(error["message"])
    assert len(error["message"]) < 300
    return error


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_api_takes_no_other_method(client: LintingClient, method: str) -> None:
    response = getattr(client, method)("/api/v1/search", json={"q": "身份证"})
    assert response.status_code == 405
    assert api_error(response.get_json())["code"] == "method_not_allowed"


def test_a_refused_query_stays_in_the_search_box_to_be_mended(client: LintingClient) -> None:
    page = client.page("/search?q=身份证&division=火星", 400)
    assert page.values("q") == ["身份证"]


def test_an_answer_with_strange_characters_is_still_an_answer(client: LintingClient) -> None:
    wanted = codes(client.json("/api/v1/search?q=身份证"))
    assert wanted
    for words in ("身份证😀", "身份证%00", "%01身份证%7F", "身份证%E2%80%8B", "%E2%80%AE身份证", "身%C2%AD份证"):
        answer = client.json(f"/api/v1/search?q={words}")
        assert codes(answer)[0] == wanted[0], words


@pytest.mark.parametrize(
    ("plain", "variant"),
    [
        ("普通护照签发", "普通護照簽發"),
        ("个体工商户设立登记", "個體工商戶設立登記"),
        ("办营业执照", "辦營業執照"),
        ("第12号行业许可", "第１２号行业许可"),
        ("第12号行业许可", "第十二号行业许可"),
        ("第12号行业许可", "第１２號行業許可"),
        ("普通护照签发", "　普通护照签发　"),
        ("普通护照签发", "普通护照签发！"),
    ],
)
def test_traditional_characters_and_full_width_digits_give_the_same_results(
    client: LintingClient, plain: str, variant: str
) -> None:
    one, other = (client.json(f"/api/v1/search?q={quote(words)}") for words in (plain, variant))
    assert codes(one)
    assert codes(one) == codes(other)
    assert [result["score"] for result in one["results"]] == [result["score"] for result in other["results"]]
    page = client.page(f"/search?q={quote(variant)}")
    assert page.texts("h3", "card-title") == [result["title"] for result in one["results"]]


def test_a_division_may_be_written_in_traditional_characters_and_full_width_digits(client: LintingClient) -> None:
    for name in ("230102", "２３０１０２", "道里区", "道里區", " 道里 "):
        answer = client.json(f"/api/v1/search?q=身份证&division={quote(name)}")
        assert answer["understood"]["division"] == "230102", name


def test_full_width_numbers_are_numbers(client: LintingClient) -> None:
    answer = client.json("/api/v1/search?q=行业许可&page=２&size=１０")
    assert (answer["page"], answer["size"]) == (2, 10)


def test_parameters_that_a_page_does_not_know_are_ignored_however_many(client: LintingClient) -> None:
    response = client.get("/search?" + "&".join(f"x{n}={n}" for n in range(2000)))
    assert response.status_code == 200
    assert Page(response).heading == "请输入要办的事"


def codes(answer: Any) -> list[str]:
    """The codes of the results, in order."""
    return [result["code"] for result in answer["results"]]
