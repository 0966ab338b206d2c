"""The linter of pages finds what it is there to find."""

from __future__ import annotations

import pytest
from flask import Flask
from html5lib.html5parser import ParseError

from tests.web.linting import LintingClient

GOOD = """<!DOCTYPE html>
<html lang="zh-Hans"><head><meta charset="utf-8"><title>题目</title><script nonce="abc" src="/x"></script></head>
<body><h1>题目</h1><p>演示数据</p><form action="/x"><label for="q">问</label><input id="q" name="q"></form>
<a href="/x">去</a></body></html>"""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'nonce-abc'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def fetch(text: str, headers: dict[str, str]) -> None:
    app = Flask(__name__)
    app.test_client_class = LintingClient
    app.add_url_rule("/x", view_func=lambda: (text, headers))
    app.test_client().get("/x")


def test_a_good_page_passes() -> None:
    fetch(GOOD, HEADERS)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('lang="zh-Hans"', 'lang="en"'),
        ("<title>题目</title>", "<title></title>"),
        ("<h1>题目</h1>", "<h2>题目</h2>"),
        ("<h1>题目</h1>", "<h1>题目</h1><h1>又一个</h1>"),
        ("演示数据", "数据"),
        ("<h1>", '<h1 id="q">'),
        ("<h1>", '<h1 style="color:red">'),
        ("<h1>", '<h1 onclick="go()">'),
        ("<label", "<span"),
        ('for="q"', 'for="p"'),
        ('action="/x"', 'action="/y"'),
        ('action="/x"', 'action="https://elsewhere.example/x"'),
        ('<a href="/x">', '<a href="/y">'),
        ('<a href="/x">', '<a href="#nowhere">'),
        ('<a href="/x">去', '<a href="/x">'),
        ('nonce="abc"', 'nonce="abd"'),
        ('nonce="abc"', ""),
        ('src="/x"', ""),
        ('src="/x"', 'src="//elsewhere.example/x.js"'),
        ("</body>", '<img src="https://elsewhere.example/x.png" alt=""></body>'),
        ("</body>", '<button type="button"></button></body>'),
        ("<p>演示数据</p>", "<p><div>演示数据</div></p>"),
        ("<p>演示数据</p>", "<p>演示数据&nosuch;</p>"),
        ("<p>演示数据</p>", "<p>演示数据</span></p>"),
    ],
)
def test_a_mistake_in_a_page_is_found(good: str, bad: str) -> None:
    assert good in GOOD
    with pytest.raises((AssertionError, ParseError)):
        fetch(GOOD.replace(good, bad, 1), HEADERS)


@pytest.mark.parametrize("name", HEADERS)
def test_a_missing_header_is_found(name: str) -> None:
    with pytest.raises(AssertionError):
        fetch(GOOD, {other: value for other, value in HEADERS.items() if other != name})


def test_a_policy_that_allows_inline_code_is_found() -> None:
    policy = HEADERS["Content-Security-Policy"] + "; style-src 'unsafe-inline'"
    with pytest.raises(AssertionError, match="inline"):
        fetch(GOOD, {**HEADERS, "Content-Security-Policy": policy})
