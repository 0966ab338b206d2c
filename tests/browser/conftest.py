from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from banshi.composition import Application
from tests.chromium import DESKTOP, PHONE, launched, served

PAGES = ["/", "/search?q=身份证丢了&division=230102", "/search?q=", "/search?q=航天飞机驾驶执照补发&division=230102",
         "/divisions", "/divisions/230102", "/departments", "/themes", "/about", "/nowhere"]  # fmt: skip


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """One for all: a thread cannot have two."""
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright) as found:
        yield found


@pytest.fixture(scope="session")
def site(sample: Application) -> Iterator[str]:
    with served(sample.settings) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of a size, with or without JavaScript; any error in its console fails the test."""
    contexts = []
    problems: list[str] = []

    def make(*, phone: bool = False, javascript: bool = True) -> Page:
        width, height = PHONE if phone else DESKTOP
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", java_script_enabled=javascript
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert [problem for problem in problems if "404" not in problem] == []
