"""The public pages as a visitor without JavaScript meets them. The client lints every one of them."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element

import pytest
from flask import Flask

from guides import document
from tests.web.conftest import (
    ALLOWANCE,
    DRAFT,
    DRAFT_GUIDE,
    EVIL,
    EVIL_GUIDE,
    EVIL_ITEM,
    EVIL_OPTIONS,
    FERRY,
    ID_CARD,
    LOST_CARD,
    PASSPORT,
    PASSPORT_CITY,
    PERMITS,
    SHOP,
    SHOP_GUIDE,
    WITHDRAWN,
    WITHDRAWN_GUIDE,
)
from tests.web.linting import LintingClient, Page, text_of

LOST_CARD_ADDRESS = f"/guides/{LOST_CARD.code}"
ITEM_ADDRESS = f"/items/{ID_CARD.code}"
EVERY_PAGE = [
    ("/", 200),
    ("/search", 200),
    ("/search?q=身份证", 200),
    ("/search?q=许可&page=2", 200),
    ("/search?q=许可&division=230102&applicant=individual&online=no&theme=individual/090&level=city&sort=visits", 200),
    ("/search?q=飞船", 200),
    ("/search?q=身份证&applicant=legal", 200),
    ("/search?q=身份证&division=火星", 400),
    (LOST_CARD_ADDRESS, 200),
    (f"/guides/{PASSPORT_CITY.code}", 200),
    (f"/guides/{SHOP_GUIDE.code}", 200),
    (f"/guides/{WITHDRAWN_GUIDE.code}", 410),
    (f"/items/{ID_CARD.code}", 200),
    (f"/items/{ALLOWANCE.code}", 200),
    (f"/items/{FERRY.code}?division=230102", 200),
    ("/divisions", 200),
    ("/divisions?next=/themes", 200),
    ("/divisions/230100", 200),
    ("/divisions/230102", 200),
    ("/divisions/230102001", 200),
    ("/departments", 200),
    ("/themes", 200),
    ("/about", 200),
    ("/nowhere", 404),
]


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address, without the one that tells from which search it was followed."""
    found = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    return {name: value for name, value in found.items() if name != "from"}


def results_of(page: Page, card: Element) -> dict[str, str]:
    """Title -> address of a card, without the parameter that tells from which search it was followed."""
    return {title: re.sub(r"[?&]from=[^#]*", "", address) for title, address in page.links(card).items()}


def titles(page: Page) -> list[str]:
    """The titles of the result cards."""
    return page.texts("h3", "card-title")


def chips(page: Page) -> dict[str, str]:
    """Label -> the address that takes the condition off."""
    return {text_of(a).removeprefix("去掉条件："): a.get("href", "") for a in page.all("a", "chip")}


def materials(page: Page) -> dict[str, bool]:
    """Material -> whether it is shown."""
    rows = page.all("li", "material")
    return {page.texts("span", "material-name", row)[0]: row.get("hidden") is None for row in rows}


@pytest.mark.parametrize(("address", "status"), EVERY_PAGE)
def test_every_page_is_well_formed_and_says_that_its_data_is_a_sample(
    client: LintingClient, address: str, status: int
) -> None:
    page = client.page(address, status)
    assert page.texts("p", "notice")[0].startswith("演示数据。")
    assert "不是官方信息" in page.text
    assert page.links()["了解详情"] == "/about"


def test_every_page_has_a_title_of_its_own(client: LintingClient) -> None:
    addresses = ["/", "/search?q=身份证", LOST_CARD_ADDRESS, "/divisions", "/departments", "/themes", "/about", "/x"]
    found = [client.get(address) for address in addresses]
    assert len({Page(response).texts("title")[0] for response in found}) == len(addresses)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/", 200),
        ("/search", 200),
        ("/search?q=身份证", 200),
        ("/search?q=身份证&page=99", 404),
        (LOST_CARD_ADDRESS, 200),
        (f"/items/{ID_CARD.code}", 200),
        ("/divisions/230102", 200),
        ("/nowhere", 404),
    ],
)
def test_a_search_can_be_made_without_javascript(client: LintingClient, address: str, status: int) -> None:
    form = client.page(address, status).one("form", "search-form")
    assert (form.get("action"), form.get("method")) == ("/search", "get")


def test_a_page_may_be_asked_for_by_head_alone(client: LintingClient) -> None:
    response = client.head("/")
    assert (response.status_code, response.data) == (200, b"")


def scripts(page: Page) -> list[str]:
    """The addresses of a page's scripts; an inline one has none."""
    return [script.get("src", "") for script in page.all("script")]


def test_static_files_are_kept_by_browsers_and_pages_are_not(client: LintingClient) -> None:
    page = client.get("/")
    assert "no-cache" in page.headers["Cache-Control"]
    for address in [*scripts(Page(page)), *(e.get("href") for e in Page(page).all("link"))]:
        answer = client.get(str(address))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def test_each_answer_has_a_nonce_of_its_own(client: LintingClient) -> None:
    nonces = {script.get("nonce") for _ in range(2) for script in Page(client.get("/")).all("script")}
    assert len(nonces) == 2


def test_the_home_page_asks_what_to_do_and_leads_everywhere(client: LintingClient) -> None:
    page = client.page("/")
    assert page.heading == "您要办什么事？"
    links = page.links()
    assert links["居民身份证补领"] == f"{ITEM_ADDRESS}?division=230100"
    assert links["道里区"] == "/divisions/230102"
    assert query_of(links["市场监管1项"]) == {"department": "市场监管", "division": "230100"}
    assert query_of(links["设立变更1项"]) == {"theme": "legal/005", "applicant": "legal", "division": "230100"}
    assert query_of(links["身份证丢了"])["q"] == "身份证丢了"
    assert page.links()["选择我的区县"] == "/divisions?next=/"


def test_the_links_of_the_home_page_find_something(client: LintingClient) -> None:
    home = client.page("/")
    sections = home.all("section")
    for address in (address for section in sections for address in home.links(section).values()):
        response = client.get(address)
        assert response.status_code == 200, address
        assert "没有找到" not in Page(response).heading


def test_the_home_page_counts_for_the_division_chosen(client: LintingClient) -> None:
    page = client.page("/?division=230103")
    assert "正在查找南岗区的办事指南" in page.text
    assert "渡口船票优待" in page.links()
    assert "个体工商户设立登记" not in page.links()


def test_a_search_shows_the_services_found_with_their_facts(client: LintingClient) -> None:
    page = client.page("/search?q=个体工商户&division=230102")
    assert page.heading == "找到1项服务"
    (card,) = page.all("li", "card")
    assert results_of(page, card) == {"个体工商户设立登记": f"/guides/{SHOP_GUIDE.code}"}
    assert "道里区市场监管局" in text_of(card)
    assert page.texts("li", inside=page.one("ul", "facts", card)) == [
        "承诺时限：10个工作日",
        "到现场次数：跑1次",
        "收费：不收费",
        "网上办理：窗口办理",
    ]


def test_the_words_found_are_marked(client: LintingClient) -> None:
    page = client.page("/search?q=普通护照&division=230102")
    assert "".join(page.texts("mark", inside=page.all("h3", "card-title")[0])) == "普通护照"


def test_a_service_of_districts_asks_on_its_card_for_the_district(client: LintingClient) -> None:
    card = client.page("/search?q=身份证丢了").all("li", "card")[0]
    assert "由各区县分别办理，请选择区县" in text_of(card)
    street = client.page("/search?q=低保").all("li", "card")[0]
    assert "由街道（乡镇）办理，请选择" in text_of(street)


def test_the_aspect_asked_for_is_answered_on_the_card_and_the_link_opens_it(client: LintingClient) -> None:
    page = client.page("/search?q=身份证丢了要多少钱&division=230102")
    (card,) = page.all("li", "card")
    assert page.texts("p", "card-answer", card) == ["证件工本费：40元"]
    assert results_of(page, card) == {"居民身份证补领": f"{LOST_CARD_ADDRESS}#fees"}
    assert "问：收费" in chips(page)


def test_what_was_understood_is_shown_as_chips_and_each_can_be_taken_off(client: LintingClient) -> None:
    page = client.page("/search?q=道里区 企业 怎么办营业执照")
    assert titles(page) == ["个体工商户设立登记"]
    shown = chips(page)
    assert list(shown) == ["道里区", "企业和单位"]
    without_place = client.page(shown["道里区"])
    assert list(chips(without_place)) == ["企业和单位"]
    without_applicant = client.page(shown["企业和单位"])
    assert list(chips(without_applicant)) == ["道里区"]
    assert titles(without_applicant) == ["个体工商户设立登记"]


def test_chosen_filters_are_chips_as_well_and_keep_the_words_when_taken_off(client: LintingClient) -> None:
    page = client.page(
        "/search?q=身份证&division=230102&department=公安&applicant=individual&online=no&theme=individual/090&level=district"
    )
    shown = chips(page)
    assert list(shown) == ["道里区", "公安", "个人", "证件办理", "区县级", "窗口办理"]
    for label, address in shown.items():
        left = client.page(address)
        assert list(chips(left)) == [other for other in shown if other != label]
        assert left.values("q")[0] == "身份证"


def test_a_search_may_be_taken_at_its_word(client: LintingClient) -> None:
    page = client.page("/search?q=道里区护照")
    literal = client.page(page.links()["按原话搜索“道里区护照”"])
    assert chips(literal) == {}
    assert literal.values("q")[0] == "道里区护照"


def test_the_filter_form_holds_the_choices_counted_and_keeps_the_search(client: LintingClient) -> None:
    page = client.page("/search?q=护照&division=230102&sort=limit")
    form = page.one("form", "facet-form")
    assert page.values("q", form) == ["护照"]
    selected = {text_of(o) for o in page.all("option", inside=form) if o.get("selected") is not None}
    assert selected == {"道里区", "办得快"}
    assert page.texts("legend", inside=form) == ["谁来办", "怎么办", "部门", "主题", "办理层级"]
    assert "公安1项" in page.texts("label", "option", form)
    assert page.values("department", form) == ["", "公安"]


def test_the_filter_form_marks_what_is_chosen_and_still_offers_the_rest(client: LintingClient) -> None:
    page = client.page("/search?q=&division=230102&department=市场监管")
    form = page.one("form", "facet-form")
    checked = [e.get("value") for e in page.all("input", inside=form) if e.get("checked") is not None]
    assert "市场监管" in checked
    assert page.values("department", form) == ["", "公安", "市场监管", "民政"]
    assert titles(page) == ["个体工商户设立登记"]


def test_submitting_the_filter_form_as_it_stands_finds_the_same(client: LintingClient) -> None:
    page = client.page("/search?q=许可&division=230102&applicant=individual&sort=visits")
    form = page.one("form", "facet-form")
    data = [(e.get("name"), e.get("value", "")) for e in page.all("input", inside=form) if e.get("type") == "hidden"]
    data += [
        (e.get("name"), e.get("value", "")) for e in page.all("input", inside=form) if e.get("checked") is not None
    ]
    for select in page.all("select", inside=form):
        data += [(select.get("name"), o.get("value")) for o in select if o.get("selected") is not None]
    again = Page(client.get(str(form.get("action")), query_string=data))
    assert titles(again) == titles(page)
    assert chips(again).keys() == chips(page).keys()


def test_pages_follow_each_other_and_hold_every_service_once(client: LintingClient) -> None:
    first = client.page("/search?q=行业许可")
    assert first.heading == f"找到{len(PERMITS)}项服务"
    navigation = first.one("nav", "pages")
    assert page_numbers(first) == ["1", "2", "3"]
    assert list(first.links(navigation)) == ["第2页", "第3页"]
    second, third = (client.page(address) for address in first.links(navigation).values())
    found = [*titles(first), *titles(second), *titles(third)]
    assert [len(titles(page)) for page in (first, second, third)] == [10, 10, 5]
    assert sorted(found) == sorted(permit.name for permit in PERMITS)
    assert second.one("ol", "cards").get("start") == "11"


def page_numbers(page: Page) -> list[str]:
    """The numbers shown below the results; the current one is the one that is no link."""
    return ["".join(filter(str.isdigit, text)) for text in page.texts("li", inside=page.one("nav", "pages"))]


def test_page_links_keep_the_filters(client: LintingClient) -> None:
    page = client.page("/search?q=行业许可&division=230102&department=公安&sort=visits")
    address = page.links(page.one("nav", "pages"))["第2页"]
    assert query_of(address) == {
        "q": "行业许可",
        "division": "230102",
        "department": "公安",
        "sort": "visits",
        "page": "2",
    }


def test_one_page_of_results_needs_no_page_links(client: LintingClient) -> None:
    assert client.page("/search?q=护照").all("nav", "pages") == []


@pytest.mark.parametrize("address", ["/search", "/search?q=", "/search?q=%20%E3%80%80", "/search?division=230102"])
def test_an_empty_search_asks_what_to_look_for(client: LintingClient, address: str) -> None:
    page = client.page(address)
    assert page.heading == "请输入要办的事"
    assert page.values("q") == [""]
    assert {"/themes", "/departments", "/divisions"} <= set(page.links().values())


def test_filters_without_words_browse(client: LintingClient) -> None:
    page = client.page("/search?department=民政&division=230102001")
    assert titles(page) == ["最低生活保障金给付"]


def test_filters_that_leave_nothing_are_dropped_visibly(client: LintingClient) -> None:
    page = client.page("/search?q=护照&division=230102&applicant=legal")
    assert page.heading == "没有找到完全符合的服务"
    nothing = page.one("div", "nothing")
    assert "去掉“企业和单位”，找到1项" in text_of(nothing)
    assert page.texts("h3", "card-title", nothing) == ["普通护照签发"]
    assert "可以这样试试" in page.texts("h2", inside=nothing)
    links = page.links(nothing)
    assert {"主题": "/themes", "部门": "/departments", "区县": "/divisions"}.items() <= links.items()
    assert "12345" in text_of(nothing)


def test_a_service_of_another_district_is_offered_where_there_is_none(client: LintingClient) -> None:
    nothing = client.page("/search?q=渡口船票&division=230102").one("div", "nothing")
    assert "去掉“道里区”" in text_of(nothing)
    assert "渡口船票优待" in text_of(nothing)


def test_nothing_found_offers_other_words(client: LintingClient) -> None:
    page = client.page("/search?q=普通护照&applicant=legal")
    links = page.links(page.one("div", "nothing"))
    assert query_of(links["普通护照签发"])["q"] == "普通护照签发"


def test_an_unknown_thing_still_has_next_steps(client: LintingClient) -> None:
    page = client.page("/search?q=飞船")
    assert page.heading == "没有找到完全符合的服务"
    assert page.all("li", "card") == []
    assert "可以这样试试" in page.text
    assert page.values("q")[0] == "飞船"


def test_a_guide_tells_who_what_how_where_and_on_what_basis(client: LintingClient) -> None:
    page = client.page(LOST_CARD_ADDRESS)
    assert page.heading == "居民身份证补领"
    assert page.texts("p", "guide-where") == ["道里区 · 道里区公安局"]
    assert "居民身份证丢失后，向户籍地公安机关申请补领。" in page.text
    for anchor, words in {
        "conditions": "本市居民。",
        "materials": "居民户口簿",
        "steps": "需到现场1次：须核对本人。",
        "places": "示例路1号",
        "fees": "40元",
        "limits": "法定时限20个工作日",
        "questions": "十个工作日。",
        "basis": "《中华人民共和国居民身份证法》第十一条",
        "elsewhere": "南岗区",
    }.items():
        assert words in text_of(page.by_id(anchor)).replace(" ", ""), anchor


def test_the_anchors_of_a_guide_are_listed_beside_it(client: LintingClient) -> None:
    page = client.page(LOST_CARD_ADDRESS)
    listed = page.links(page.one("nav", "guide-nav"))
    assert listed["带什么材料"] == "#materials"
    assert list(listed.values()) == [
        *("#conditions", "#materials", "#steps", "#places", "#fees"),
        *("#limits", "#questions", "#basis", "#elsewhere"),
    ]


def test_a_guide_tells_its_source_its_date_and_its_version(client: LintingClient) -> None:
    foot = text_of(client.page(LOST_CARD_ADDRESS).one("footer", "guide-foot"))
    assert "2026年1月31日修订，第1版" in foot
    assert "依据公安机关公开资料编写。" in foot
    assert "证件办理" in foot


def test_a_guide_links_to_the_same_service_elsewhere(client: LintingClient) -> None:
    page = client.page(LOST_CARD_ADDRESS)
    elsewhere = page.by_id("elsewhere")
    (address,) = page.links(elsewhere).values()
    assert "南岗区" in page.links(elsewhere)
    assert page.texts("span", "here", elsewhere) == ["道里区"]
    assert client.page(address).texts("p", "guide-where") == ["南岗区 · 南岗区公安局"]


def test_a_service_handled_in_one_place_alone_has_no_elsewhere(client: LintingClient) -> None:
    page = client.page(f"/guides/{SHOP_GUIDE.code}")
    assert "#elsewhere" not in page.links().values()
    assert all(element.get("id") != "elsewhere" for element in page.tree.iter())


def test_all_materials_are_shown_until_a_situation_is_chosen(client: LintingClient) -> None:
    page = client.page(LOST_CARD_ADDRESS)
    assert materials(page) == {"居民户口簿": True, "监护人身份证": True, "本人相片": True}
    assert "共3样" in text_of(page.by_id("materials"))


@pytest.mark.parametrize(
    ("situation", "hidden"),
    [("已满十六周岁", "监护人身份证"), ("未满十六周岁", "本人相片"), ("", None), ("别的", None)],
)
def test_a_situation_chosen_hides_the_materials_of_the_others(
    client: LintingClient, situation: str, hidden: str | None
) -> None:
    page = client.page(f"{LOST_CARD_ADDRESS}?situation0={situation}")
    assert [name for name, shown in materials(page).items() if not shown] == ([hidden] if hidden else [])
    assert f"共{2 if hidden else 3}样" in text_of(page.by_id("materials"))
    checked = [e.get("value") for e in page.all("input") if e.get("name") == "situation0" and "checked" in e.attrib]
    assert checked == [situation if hidden else ""]


def test_materials_that_may_come_later_are_marked(client: LintingClient) -> None:
    section = text_of(client.page(LOST_CARD_ADDRESS).by_id("materials"))
    assert "可以后补（容缺）" in section
    assert "容缺受理" in section


def test_an_item_goes_straight_to_the_guide_of_the_division(client: LintingClient) -> None:
    response = client.get(f"{ITEM_ADDRESS}?division=230102")
    assert (response.status_code, response.location) == (302, LOST_CARD_ADDRESS)
    street = client.get(f"{ITEM_ADDRESS}?division=兆麟街道")
    assert street.location == LOST_CARD_ADDRESS


def test_an_item_without_a_division_asks_for_it(client: LintingClient) -> None:
    page = client.page(ITEM_ADDRESS)
    ask = page.one("section", "ask")
    assert "这件事由各区县分别办理，请选择您所在的区县" in text_of(ask)
    assert page.links(ask)["道里区"] == LOST_CARD_ADDRESS
    assert set(page.links(ask)) == {"道里区", "南岗区"}
    assert page.heading == "居民身份证补领"


def test_an_item_of_streets_asks_for_the_street(client: LintingClient) -> None:
    ask = client.page(f"/items/{ALLOWANCE.code}?division=230102").one("section", "ask")
    assert "请选择您所在的街道" in text_of(ask)
    assert "兆麟街道" in text_of(ask)


def test_an_item_that_is_not_handled_here_says_where_it_is(client: LintingClient) -> None:
    ask = client.page(f"/items/{FERRY.code}?division=230102").one("section", "ask")
    assert "道里区没有单独办理，下面这些地方可以办" in text_of(ask)
    assert "南岗区" in text_of(ask)


def test_an_item_of_the_city_needs_no_district(client: LintingClient) -> None:
    response = client.get(f"/items/{PASSPORT.code}")
    assert (response.status_code, response.location) == (302, f"/guides/{PASSPORT_CITY.code}")


def test_every_result_leads_to_its_own_service(client: LintingClient) -> None:
    for division in ("", "230102", "230103", "230102001"):
        for words in ("身份证", "护照", "低保", "个体工商户"):
            page = client.page(f"/search?q={words}&division={division}")
            for card in page.all("li", "card"):
                ((title, address),) = page.links(card).items()
                response = client.get(address, follow_redirects=True)
                assert (response.status_code, Page(response).heading) == (200, title)


def test_the_divisions_are_a_list_to_choose_from(client: LintingClient) -> None:
    page = client.page("/divisions?next=/themes")
    links = page.links(page.one("ul", "division-list"))
    assert list(links) == ["道里区", "兆麟街道", "南岗区", "花园街道"]
    assert links["兆麟街道"] == "/divisions/230102001/choose?next=/themes"
    response = client.get(links["兆麟街道"])
    assert response.location == "/themes"


def test_the_page_of_a_division_shows_what_can_be_done_there(client: LintingClient) -> None:
    page = client.page("/divisions/230103")
    assert page.heading == "南岗区"
    assert f"在南岗区可以办{4 + len(PERMITS)}项服务" in page.text
    assert "渡口船票优待" in page.links()
    assert page.links()["花园街道"] == "/divisions/230103001"
    assert page.links(page.one("nav", "crumbs")) == {"哈尔滨市": "/divisions/230100"}


def test_a_division_may_be_named_instead_of_coded(client: LintingClient) -> None:
    assert client.page("/divisions/道里").heading == "道里区"


def test_the_departments_are_counted_for_the_division(client: LintingClient) -> None:
    page = client.page("/departments?division=230103")
    assert "南岗区的服务" in page.text
    entries = dict(zip(page.texts("span", "entry-name"), page.texts("span", "entry-note"), strict=True))
    assert entries["民政1项"] == "也叫：民政局"
    assert "市场监管1项" not in entries
    for address in page.links(page.one("ul", "entries")).values():
        assert titles(client.page(address))


def test_the_themes_are_those_of_people_and_those_of_businesses(client: LintingClient) -> None:
    page = client.page("/themes?division=230102")
    assert page.texts("h2") == ["个人办事", "企业和单位办事"]
    assert query_of(page.links()["设立变更1项"]) == {
        "theme": "legal/005",
        "applicant": "legal",
        "division": "230102",
    }
    assert titles(client.page(page.links()["设立变更1项"])) == ["个体工商户设立登记"]


def test_about_says_what_is_real_and_what_is_not(client: LintingClient) -> None:
    page = client.page("/about")
    assert "是演示数据" in page.text
    assert "5个区划" in page.text


def test_choosing_a_division_is_remembered_on_the_device(client: LintingClient) -> None:
    response = client.get("/divisions/道里/choose")
    assert response.status_code == 302
    cookie = client.get_cookie("division")
    assert cookie is not None
    assert cookie.value == "230102"
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert cookie.max_age is not None
    assert cookie.max_age > 30 * 86_400


def test_the_division_chosen_counts_for_all_that_follows(client: LintingClient) -> None:
    client.get("/divisions/230102/choose")
    found = client.page("/search?q=身份证丢了")
    assert list(chips(found)) == ["道里区"]
    assert results_of(found, found.all("li", "card")[0]) == {"居民身份证补领": LOST_CARD_ADDRESS}
    assert "正在查找道里区的办事指南" in client.page("/").text
    assert client.get(ITEM_ADDRESS).location == LOST_CARD_ADDRESS
    assert "道里区的服务" in client.page("/departments").text


def test_the_address_outweighs_the_division_chosen_and_the_whole_city_can_be_asked_for(client: LintingClient) -> None:
    client.get("/divisions/230102/choose")
    assert list(chips(client.page("/search?q=身份证丢了&division=230103"))) == ["南岗区"]
    everywhere = client.page(chips(client.page("/search?q=身份证丢了"))["道里区"])
    assert chips(everywhere) == {}


def test_another_division_can_be_chosen_later(client: LintingClient) -> None:
    client.get("/divisions/230102/choose")
    client.get("/divisions/230103/choose")
    assert list(chips(client.page("/search?q=身份证丢了"))) == ["南岗区"]


def test_an_unknown_division_is_not_remembered(client: LintingClient) -> None:
    page = client.page("/divisions/火星/choose", 400)
    assert "没有“火星”这个区划" in page.text
    assert client.get_cookie("division") is None


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/themes", "/themes"),
        ("/search?q=a%26page=2", "/search?q=a&page=2"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("https://evil.example", "/"),
        ("https:evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/%5Cevil.example", "/"),
        ("%5C%5Cevil.example", "/"),
        ("%2F%2Fevil.example", "/"),
        ("/%09/evil.example", "/"),
        ("/%0D%0ASet-Cookie:x=y", "/"),
        ("%20//evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
        ("", "/"),
    ],
)
def test_choosing_a_division_returns_to_pages_of_this_site_alone(
    client: LintingClient, wanted: str, target: str
) -> None:
    response = client.get(f"/divisions/230102/choose?next={wanted}")
    assert (response.status_code, response.location) == (302, target)
    assert "evil" not in client.get(f"/divisions?next={wanted}").text


def test_a_guide_withdrawn_is_gone_and_says_what_to_do(client: LintingClient) -> None:
    page = client.page(f"/guides/{WITHDRAWN_GUIDE.code}", 410)
    assert page.heading == "这份办事指南已经下线"
    assert "请搜索事项名称" in page.text
    assert client.page(f"/items/{WITHDRAWN.code}", 404)
    assert "暂住证核发" not in titles(client.page("/search?q=暂住证核发"))


@pytest.mark.parametrize(
    "address",
    [
        "/guides/no-such-guide",
        f"/guides/{DRAFT_GUIDE.code}",
        f"/items/{DRAFT.code}",
        "/items/no-such-item",
        "/divisions/火星",
        "/no/such/page",
        "/static/no-such-file.css",
        "/static/../app.py",
        f"/guides/{'9' * 3000}",
        "/guides/%00",
        "/guides/%ED%A0%80",
        "/guides/' OR 1=1 --",
    ],
)
def test_what_does_not_exist_is_not_found_and_there_is_a_way_on(client: LintingClient, address: str) -> None:
    page = client.page(address, 404)
    assert page.links()["回到首页"] == "/"


def test_a_page_takes_no_other_method(client: LintingClient) -> None:
    response = client.post("/search", data={"q": "身份证"})
    assert response.status_code == 405
    assert Page(response).links()["回到首页"] == "/"


def test_markup_in_a_guide_is_shown_as_text_wherever_the_guide_is_shown(client: LintingClient) -> None:
    pages = {
        "guide": client.page(f"/guides/{EVIL_GUIDE.code}"),
        "situation": client.page(f"/guides/{EVIL_GUIDE.code}?situation0={EVIL_OPTIONS[1]}"),
        "item": client.page(f"/items/{EVIL_ITEM.code}"),
        "results": client.page("/search?q=恶意&division=230102"),
        "suggestion": client.page("/search?q=恶意&applicant=legal"),
        "home": client.page("/?division=230102"),
        "division": client.page("/divisions/230102"),
    }
    for name, page in pages.items():
        assert EVIL in page.text, name
        assert scripts(page) == scripts(client.page("/about")), name
        assert not [b for b in page.all("b") if "是" in text_of(b)], name
    guide = pages["guide"]
    assert guide.heading == EVIL
    for anchor in ("conditions", "materials", "steps", "places", "fees", "questions", "basis"):
        assert EVIL in text_of(guide.by_id(anchor)), anchor
    description = next(m for m in guide.all("meta") if m.get("name") == "description")
    assert description.get("content") == EVIL


def test_markup_in_the_options_of_a_situation_stays_data(client: LintingClient) -> None:
    page = client.page(f"/guides/{EVIL_GUIDE.code}")
    (material,) = page.all("li", "material")
    assert json.loads(material.get("data-only-for", "")) == [EVIL_OPTIONS[0]]
    assert page.values("situation0") == [*EVIL_OPTIONS, ""]
    address = f"/guides/{EVIL_GUIDE.code}"
    chosen = Page(client.get(address, query_string={"situation0": EVIL_OPTIONS[1]}))
    assert materials(chosen) == {EVIL: False}


def test_markup_in_the_title_of_a_result_is_marked_without_becoming_markup(client: LintingClient) -> None:
    page = client.page("/search?q=恶意&division=230102")
    title = page.all("h3", "card-title")[0]
    assert text_of(title) == EVIL
    assert page.texts("mark", inside=title) == ["恶意"]


@pytest.mark.parametrize("words", [EVIL, '" autofocus onfocus="alert(1)', "</title><script>", "{{7*7}}", "&lt;b&gt;"])
def test_markup_in_a_query_is_shown_as_text(client: LintingClient, words: str) -> None:
    page = Page(client.get("/search", query_string={"q": words}))
    assert page.values("q")[0] == words
    assert page.texts("title")[0].startswith(" ".join(words.split()))
    assert scripts(page) == scripts(client.page("/about"))
    assert "49" not in page.text


@pytest.mark.parametrize("name", ["division", "department", "theme", "applicant", "sort", "page", "size", "level"])
def test_markup_in_a_filter_is_shown_as_text(client: LintingClient, name: str) -> None:
    response = client.get("/search", query_string={"q": "身份证", name: "<script>alert(1)</script>"})
    assert response.status_code == (200 if name == "theme" else 400)
    assert scripts(Page(response)) == scripts(client.page("/about"))


def test_no_page_has_vanished(site: Flask) -> None:
    rules = {rule.rule for rule in site.url_map.iter_rules()}
    assert {
        "/",
        "/search",
        "/guides/<code>",
        "/items/<code>",
        "/divisions",
        "/divisions/<code>",
        "/divisions/<code>/choose",
        "/departments",
        "/themes",
        "/about",
        "/api/v1/search",
        "/api/v1/suggest",
        "/api/v1/guides/<code>",
        "/api/v1/divisions",
        "/api/v1/departments",
        "/api/v1/openapi.json",
        "/healthz",
        "/readyz",
    } <= rules


def test_the_facts_of_a_guide_are_pairs_of_a_name_and_a_value(client: LintingClient) -> None:
    page = client.page(f"/guides/{PASSPORT_CITY.code}")
    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert facts["网上办"] == "全程网办"
    assert facts["到现场"] == "不用跑"
    assert facts["行使层级"] == "市级"
    assert facts["基本编码"] == PASSPORT.code
    assert facts["实施编码"] == PASSPORT_CITY.code
    assert facts["咨询"] == PASSPORT_CITY.consultation_phone
    assert document.Guide.model_fields["handling_scope"].default == facts["通办范围"]
    assert SHOP.name not in page.text
