"""Suggestions while typing, as a person with a keyboard, a finger, an input method or a screen reader meets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

from tests.chromium import PHONE

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


@pytest.fixture
def touched(browser: Browser) -> Iterator[Page]:
    """A phone with a touch screen."""
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, locale="zh-CN", has_touch=True, is_mobile=True
    )
    yield context.new_page()
    context.close()


def box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="您要办什么事")


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="搜索建议").get_by_role("option")


def asked(page: Page) -> list[str]:
    """The beginnings that suggestions are asked for, from now on."""
    found: list[str] = []

    def note(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.path == "/api/v1/suggest":
            found.append(parse_qs(parts.query)["q"][0])

    page.on("request", note)
    return found


def active(page: Page) -> str | None:
    """What a screen reader reads as the current option."""
    identifier = box(page).get_attribute("aria-activedescendant")
    return page.locator(f"#{identifier}").get_attribute("aria-label") if identifier else None


def searched(page: Page) -> str:
    page.wait_for_url("**/search?**")
    return parse_qs(urlsplit(page.url).query)["q"][0]


def type_in(page: Page, text: str) -> None:
    box(page).fill("")
    box(page).press_sequentially(text)
    expect(options(page).first).to_be_visible()


def test_initials_show_what_may_be_meant_with_its_official_name(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "yyzz")
    expect(options(page).first.locator("mark")).to_have_text("营业执照")
    expect(options(page).first).to_contain_text("个体工商户设立登记")
    assert options(page).count() == 8


def test_arrow_and_enter_search_for_the_option(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "yyzz")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = options(page).nth(1).locator(".suggestion-text").text_content()
    page.keyboard.press("Enter")
    assert searched(page) == chosen
    expect(box(page)).to_have_value(chosen or "")
    expect(options(page)).to_have_count(0)


def test_enter_without_an_option_searches_for_what_was_typed(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "护照")
    page.keyboard.press("Enter")
    assert searched(page) == "护照"


def test_a_screen_reader_is_told_what_happens(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    field = box(page)
    expect(field).to_have_attribute("aria-autocomplete", "list")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(field).not_to_have_attribute("aria-activedescendant", "q-suggestions-0")
    type_in(page, "yyzz")
    expect(field).to_have_attribute("aria-expanded", "true")
    assert page.locator(f"#{field.get_attribute('aria-controls')}").get_attribute("role") == "listbox"
    expect(page.locator(".search-form [role=status]")).to_have_text("有8条建议，按上下方向键选择。")
    page.keyboard.press("ArrowDown")
    assert active(page) == "营业执照，个体工商户设立登记"
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(1)
    box(page).fill("嘭嘭嘭")
    expect(page.locator(".search-form [role=status]")).to_have_text("没有建议，可以直接搜索。")
    expect(field).to_have_attribute("aria-expanded", "false")


def test_the_arrows_go_round_and_home_and_end_to_the_ends(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "yyzz")
    every = [option.get_attribute("aria-label") for option in options(page).all()]
    for key, where in [
        ("ArrowUp", every[-1]), ("ArrowDown", None), ("ArrowDown", every[0]), ("End", every[-1]), ("Home", every[0]),
        ("ArrowUp", None), ("ArrowDown", every[0]), ("ArrowLeft", None),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert active(page) == where, key
    expect(box(page)).to_have_value("yyzz")


def test_escape_closes_and_the_arrow_opens_again(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "yyzz")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    expect(box(page)).to_have_value("yyzz")
    assert active(page) is None
    page.keyboard.press("ArrowDown")
    assert active(page) == "营业执照，个体工商户设立登记"
    page.keyboard.press("Alt+ArrowUp")
    expect(options(page)).to_have_count(0)
    page.keyboard.press("Alt+ArrowDown")
    expect(options(page)).to_have_count(8)
    assert active(page) is None


def test_tab_leaves_the_box_and_closes(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "yyzz")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="说一说")).to_be_focused()
    expect(options(page)).to_have_count(0)
    expect(box(page)).to_have_value("yyzz")


def test_a_click_elsewhere_closes(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "yyzz")
    page.get_by_role("heading", level=1).click()
    expect(options(page)).to_have_count(0)


def test_a_click_on_an_option_searches_for_it_in_ones_division(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{site}/search?q=护照&division=230102")
    type_in(page, "sfz")
    options(page).first.click()
    page.wait_for_url(lambda url: "%E8%BA%AB" in url)
    assert searched(page) == "身份证"
    assert "division=230102" in page.url


def test_a_department_leads_to_its_services(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{site}/?division=230102")
    type_in(page, "公积金中心")
    department = options(page).first
    expect(department).to_contain_text("部门")
    count = (department.get_attribute("aria-label") or "").rpartition("，")[2].removesuffix("项服务")
    department.click()
    page.wait_for_url("**/search?department=*&division=230102")
    expect(page.locator(".chips")).to_contain_text("住房公积金")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"找到{count}项服务")


def test_while_an_input_method_composes_nothing_is_asked(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    prefixes = asked(page)
    session = page.context.new_cdp_session(page)
    box(page).focus()
    for text in ("y", "yi", "ying", "ying'ye"):
        session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
        page.wait_for_timeout(150)
    expect(box(page)).to_have_value("ying'ye")
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Process", "windowsVirtualKeyCode": 229})
    page.wait_for_timeout(150)
    assert prefixes == []
    session.send("Input.insertText", {"text": "营业"})
    expect(options(page).first).to_contain_text("营业执照")
    assert prefixes == ["营业"]


def test_enter_belongs_to_the_input_method_while_it_composes(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "yyzz")
    page.keyboard.press("ArrowDown")
    prevented = page.evaluate(
        """() => ['Enter', 'Escape', 'ArrowDown'].map((key) => !document.querySelector('#q').dispatchEvent(
            new KeyboardEvent('keydown', { key, keyCode: 229, bubbles: true, cancelable: true })))"""
    )
    assert prevented == [False, False, False]
    assert active(page) == "营业执照，个体工商户设立登记"


def test_quick_typing_asks_once_and_a_late_answer_is_dropped(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    prefixes = asked(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/suggest?q=hu&*", hold)
    box(page).press_sequentially("hu", delay=10)
    page.wait_for_timeout(250)
    assert prefixes == ["hu"]
    box(page).press_sequentially("zhao", delay=10)
    expect(options(page).first).to_contain_text("护照")
    assert prefixes == ["hu", "huzhao"]
    before = options(page).all_text_contents()
    held[0].fulfill(json={"query": "hu", "suggestions": []})
    page.wait_for_timeout(150)
    assert options(page).all_text_contents() == before


@pytest.mark.parametrize("trouble", ["no network", "503", "not JSON"])
def test_without_suggestions_the_box_searches_all_the_same(browser: Browser, site: str, trouble: str) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    answers: dict[str, Callable[..., object]] = {
        "no network": lambda route: route.abort(),
        "503": lambda route: route.fulfill(status=503, json={"error": {}}),
        "not JSON": lambda route: route.fulfill(body="<html>"),
    }
    page.route("**/api/v1/suggest*", answers[trouble])
    page.goto(site)
    box(page).press_sequentially("护照")
    page.wait_for_timeout(300)
    expect(options(page)).to_have_count(0)
    page.keyboard.press("Enter")
    assert searched(page) == "护照"
    assert errors == []
    context.close()


def test_nothing_is_asked_for_nothing_or_for_a_whole_story(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    prefixes = asked(page)
    for text in ("   ", "长" * 51):
        box(page).fill(text)
        page.wait_for_timeout(250)
    assert prefixes == []


def test_emptying_the_box_closes_at_once(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    type_in(page, "yyzz")
    box(page).fill("")
    expect(options(page)).to_have_count(0, timeout=100)


def test_by_touch_on_a_phone(site: str, touched: Page) -> None:
    page = touched
    page.goto(site)
    box(page).tap()
    before = page.locator(".hero").bounding_box()
    type_in(page, "sfz")
    assert page.locator(".hero").bounding_box() == before, "the page moved"
    field, popup = page.locator(".search-box").bounding_box(), page.get_by_role("listbox").bounding_box()
    assert field and popup
    assert (popup["x"], popup["width"]) == (field["x"], field["width"])
    assert popup["y"] >= field["y"] + field["height"]
    assert all((option.bounding_box() or {})["height"] >= 44 for option in options(page).all())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    options(page).first.tap()
    assert searched(page) == "身份证"


@pytest.mark.parametrize("path", ["/", "/search?q=护照", "/search", "/divisions/230102", "/nowhere"])
def test_every_search_box_suggests(site: str, open_page: OpenPage, path: str) -> None:
    page = open_page()
    page.goto(site + path)
    type_in(page, "yyzz")


def test_without_javascript_the_box_is_a_plain_field(site: str, open_page: OpenPage) -> None:
    page = open_page(javascript=False)
    page.goto(site)
    field = page.get_by_role("textbox", name="您要办什么事")
    assert field.get_attribute("role") is None
    field.fill("护照")
    page.keyboard.press("Enter")
    assert searched(page) == "护照"
