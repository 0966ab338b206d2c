"""The main job in a real browser: from a few words to the right guide of the right district."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PAGES

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("phone", [True, False])
def test_from_words_to_the_guide_of_ones_own_district(
    site: str, open_page: OpenPage, javascript: bool, phone: bool
) -> None:
    page = open_page(phone=phone, javascript=javascript)
    page.goto(site)
    page.get_by_role("link", name="选择我的区县").click()
    page.get_by_role("link", name="道里区", exact=True).click()
    expect(page.get_by_text("正在查找道里区的办事指南")).to_be_visible()
    page.get_by_label("您要办什么事").fill("身份证丢了")
    page.get_by_role("button", name="搜索").click()
    first = page.locator(".card").first
    expect(first).to_contain_text("居民身份证补领")
    expect(first).to_contain_text("道里分局")
    first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("居民身份证补领")
    expect(page.locator("#materials")).to_contain_text("带什么材料")
    expect(page.locator("#places")).to_contain_text("道里")


def test_with_the_keyboard_alone(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    page.keyboard.type("道里区身份证丢了怎么办")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search**")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.card') !== null"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("居民身份证补领")


def test_an_unknown_district_is_asked_for(site: str, open_page: OpenPage) -> None:
    page = open_page(javascript=False)
    page.goto(f"{site}/search?q=身份证丢了")
    page.locator(".card").first.get_by_role("link").click()
    expect(page.get_by_text("请选择您所在的区县")).to_be_visible()
    page.locator(".ask").get_by_role("link", name="南岗区").click()
    expect(page.locator(".guide-where")).to_contain_text("南岗区")


def test_a_filter_applies_by_a_click_or_without_javascript_by_the_button(site: str, open_page: OpenPage) -> None:
    for javascript in (True, False):
        page = open_page(javascript=javascript)
        page.goto(f"{site}/search?q=证&division=230102")
        if not javascript:
            page.locator(".facet-sheet > summary").click()
        page.locator("input[name=applicant][value=legal]").check()
        if not javascript:
            page.get_by_role("button", name="应用筛选").click()
        page.wait_for_url("**applicant=legal**")
        expect(page.locator(".chips")).to_contain_text("企业和单位")
        page.locator(".chip", has_text="企业和单位").click()
        page.wait_for_url(lambda url: "applicant" not in url)


def test_the_situation_chosen_decides_the_materials(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{site}/search?q=身份证丢了&division=230102")
    page.locator(".card").first.get_by_role("link").click()
    page.get_by_label("本人办理").check()
    expect(page.locator(".material", has_text="监护人的居民身份证")).to_be_hidden()
    page.get_by_label("监护人代未满十六周岁的人办理").check()
    expect(page.locator(".material", has_text="监护人的居民身份证")).to_be_visible()


@pytest.mark.parametrize("phone", [True, False])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways_or_breaks_its_own_rules(
    site: str, open_page: OpenPage, path: str, phone: bool
) -> None:
    page = open_page(phone=phone)
    page.goto(site + path)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_chinese_is_set_in_a_cjk_font(site: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site)
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": "h1"})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    assert [font["familyName"] for font in fonts if font["glyphCount"]] == ["Noto Sans CJK SC"]


def test_targets_on_a_phone_are_large_enough_for_a_finger(site: str, open_page: OpenPage) -> None:
    page = open_page(phone=True)
    page.goto(f"{site}/search?q=身份证丢了&division=230102")
    small = page.evaluate(
        """() => [...document.querySelectorAll('a, button, select, summary, .option')]
            .filter(e => e.offsetParent && !e.closest('.notice, .skip-link') && !e.matches('.card-title a'))
            .map(e => [e.textContent.trim().slice(0, 20), e.getBoundingClientRect().height])
            .filter(([, height]) => height < 43.5)"""
    )
    assert small == []


def test_the_home_page_is_light(site: str, open_page: OpenPage) -> None:
    page = open_page()
    sizes: list[int] = []
    page.on("response", lambda response: sizes.append(len(response.body())))
    page.goto(site, wait_until="networkidle")
    assert sum(sizes) <= 120_000
