"""What every page must be, whatever it shows; and a small reader of pages for the tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

ASSETS = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src", "use": "href"}
UNLABELLED_TYPES = {"hidden", "submit", "button", "reset", "image"}
SAMPLE_DATA_NOTICE = "演示数据"


class Page:
    """A page as a browser reads it. Raises html5lib's ParseError where the markup is not valid HTML."""

    def __init__(self, response: TestResponse) -> None:
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        self.tree: Element = parser.parse(response.text)

    def all(self, tag: str, css_class: str | None = None, inside: Element | None = None) -> list[Element]:
        """Elements of a tag, and of a class where one is given, in document order."""
        root = self.tree if inside is None else inside
        found = (element for element in root.iter(tag))
        return [e for e in found if css_class is None or css_class in e.get("class", "").split()]

    def one(self, tag: str, css_class: str | None = None, inside: Element | None = None) -> Element:
        """The only such element."""
        (element,) = self.all(tag, css_class, inside)
        return element

    def by_id(self, identifier: str) -> Element:
        """The element with this id."""
        (element,) = [e for e in self.tree.iter() if e.get("id") == identifier]
        return element

    def texts(self, tag: str, css_class: str | None = None, inside: Element | None = None) -> list[str]:
        """The text of each such element."""
        return [text_of(element) for element in self.all(tag, css_class, inside)]

    def links(self, inside: Element | None = None) -> dict[str, str]:
        """Text -> address of every link."""
        return {text_of(a): a.get("href", "") for a in self.all("a", inside=inside)}

    def values(self, name: str, inside: Element | None = None) -> list[str]:
        """The values of all inputs of a name."""
        return [e.get("value", "") for e in self.all("input", inside=inside) if e.get("name") == name]

    @property
    def heading(self) -> str:
        """The page's only h1."""
        return text_of(self.one("h1"))

    @property
    def text(self) -> str:
        """Everything a person reads in the body."""
        return text_of(self.one("body"))


def text_of(element: Element) -> str:
    """The text of an element with single spaces."""
    return " ".join("".join(element.itertext()).split())


class LintingClient(FlaskClient):
    """Checks every answer that any test fetches: headers of all, markup of pages."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs, buffered=True)
        problems = list(header_problems(response))
        is_redirect = 300 <= response.status_code < 400
        if response.mimetype == "text/html" and response.request.method != "HEAD" and not is_redirect:
            problems += page_problems(Page(response), self.application, response)
        assert not problems, f"{response.request.path}: {problems}"
        return response

    def page(self, address: str, status: int = 200) -> Page:
        """The page at an address that answers with a status."""
        response = self.get(address)
        assert response.status_code == status, f"{address} answered {response.status_code}"
        assert response.mimetype == "text/html"
        return Page(response)

    def json(self, address: str, status: int = 200) -> Any:
        """The JSON at an address that answers with a status."""
        response = self.get(address)
        assert response.status_code == status, f"{address} answered {response.status_code}: {response.text[:300]}"
        assert response.mimetype == "application/json"
        return json.loads(response.data)


def header_problems(response: TestResponse) -> Iterator[str]:
    """Headers that any answer needs to be safe in a browser."""
    policy = content_security_policy(response)
    if policy.get("default-src") != ["'none'"]:
        yield "the content security policy does not begin with nothing allowed"
    if "'unsafe-inline'" in response.headers.get("Content-Security-Policy", ""):
        yield "the content security policy allows inline code"
    if policy.get("frame-ancestors") != ["'none'"] or response.headers.get("X-Frame-Options") != "DENY":
        yield "the answer may be framed"
    if policy.get("base-uri") != ["'none'"] or policy.get("form-action") != ["'self'"]:
        yield "base or forms may lead away"
    if response.headers.get("X-Content-Type-Options") != "nosniff":
        yield "the type may be guessed"
    if "Referrer-Policy" not in response.headers:
        yield "no Referrer-Policy"
    if "Cache-Control" not in response.headers:
        yield "no Cache-Control"


def content_security_policy(response: TestResponse) -> dict[str, list[str]]:
    """Directive -> sources."""
    header = response.headers.get("Content-Security-Policy", "")
    return {name: sources for name, *sources in (part.split() for part in header.split(";") if part.strip())}


def page_problems(page: Page, app: Flask, response: TestResponse) -> Iterator[str]:
    """What is wrong with a page's markup, one sentence each."""
    html = page.tree
    if html.get("lang") != "zh-Hans":
        yield f"the language is {html.get('lang')!r}"
    headings = page.texts("h1")
    if len(headings) != 1 or not headings[0]:
        yield f"the page needs one h1, not {headings}"
    if not any(page.texts("title")):
        yield "the title is empty"
    if SAMPLE_DATA_NOTICE not in page.text:
        yield "nothing says that this is sample data"
    identifiers = Counter(e.get("id") for e in html.iter() if e.get("id") is not None)
    yield from (f"the id {name!r} is used {count} times" for name, count in identifiers.items() if count > 1)
    yield from _unlabelled_inputs(page)
    yield from _addresses(page, app, set(identifiers))
    nonces = {f"'nonce-{script.get('nonce')}'" for script in page.all("script")}
    if content_security_policy(response).get("script-src") != ["'self'", *nonces]:
        yield "the scripts' nonce is not the policy's"
    for element in html.iter():
        if not isinstance(element.tag, str):
            continue
        if element.get("style") is not None or element.tag == "style":
            yield f"<{element.tag}> has an inline style"
        yield from (f"<{element.tag}> has {name}" for name in element.attrib if name.startswith("on"))
    yield from ("a script is inline" for script in page.all("script") if not script.get("src"))


def _unlabelled_inputs(page: Page) -> Iterator[str]:
    wrapped = {id(inner) for label in page.all("label") if text_of(label) for inner in label.iter()}
    labelled = {label.get("for") for label in page.all("label") if text_of(label)}
    for tag in ("input", "select", "textarea"):
        for element in page.all(tag):
            if element.get("type") in UNLABELLED_TYPES or element.get("aria-label"):
                continue
            if id(element) not in wrapped and element.get("id") not in labelled:
                yield f"<{tag} name={element.get('name')!r}> has no label"
    for button in page.all("button"):
        if not text_of(button) and not button.get("aria-label"):
            yield "a button says nothing"


def _addresses(page: Page, app: Flask, identifiers: set[str | None]) -> Iterator[str]:
    for tag, attribute in ASSETS.items():
        for element in page.all(tag):
            address = element.get(attribute, "")
            if urlsplit(address).scheme or address.startswith("//"):
                yield f"<{tag}> comes from elsewhere: {address}"
            elif address and not is_route(app, address, "GET"):
                yield f"<{tag}> leads nowhere: {address}"
    for form in page.all("form"):
        if not is_route(app, form.get("action", ""), form.get("method", "get").upper()):
            yield f"a form leads nowhere: {form.get('action')!r}"
    for link in page.all("a"):
        address = link.get("href", "")
        if not text_of(link) and not link.get("aria-label"):
            yield f"a link says nothing: {address}"
        if address.startswith("#"):
            if address[1:] not in identifiers:
                yield f"a link leads to no place of the page: {address}"
        elif not is_route(app, address, "GET"):
            yield f"a link leads nowhere: {address}"


def is_route(app: Flask, address: str, method: str) -> bool:
    """Whether this site answers to a local address."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        return False
    try:
        app.url_map.bind("localhost").match(unquote(parts.path), method=method)
    except RequestRedirect:
        return True
    except HTTPException:
        return False
    return True
