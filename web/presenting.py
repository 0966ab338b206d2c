"""Small things that templates need: marked text, addresses that keep the other filters, words for numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from flask import Flask, g
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from guides import document, vocabulary
from search.highlight import Span

_CARRIED = ("q", "division", "department", "applicant", "theme", "online", "level", "sort", "size", "literal")


def marked(text: str, spans: Iterable[Span]) -> Markup:
    """``text`` with the spans in <mark>; everything is escaped."""
    parts: list[Markup] = []
    end_of_last = 0
    for start, end in spans:
        parts.append(escape(text[end_of_last:start]))
        parts.append(Markup("<mark>{}</mark>").format(text[start:end]))
        end_of_last = end
    parts.append(escape(text[end_of_last:]))
    return Markup("").join(parts)


def search_url(values: Mapping[str, str], **changes: str | None) -> str:
    """The results page with these filters, some of them changed; None or an empty value takes one off.

    What was heard goes along, unless ``heard`` is taken off, too: with it, other words than ``q`` may be answered."""
    merged: dict[str, str | None] = {name: values.get(name) for name in _CARRIED}
    merged.update(changes)
    parameters = [(name, value) for name, value in merged.items() if value]
    if isinstance(values, MultiDict) and "heard" not in changes:
        parameters += [("heard", value) for value in values.getlist("heard")]
    query = urlencode(parameters)
    return f"/search?{query}" if query else "/search"


def limit_words(limit: document.Limit | None) -> str:
    """A span of time in words."""
    if limit is None:
        return "未写明"
    return "当场办结" if limit.days == 0 else f"{limit.days}个{limit.unit}"


def chinese_date(value: str) -> str:
    """2026-01-31 as 2026年1月31日."""
    year, month, day = value.split("-")
    return f"{year}年{int(month)}月{int(day)}日"


def register_filters(app: Flask) -> None:
    """Make these available to templates."""
    app.jinja_env.filters["limit_words"] = limit_words
    app.jinja_env.filters["chinese_date"] = chinese_date
    app.jinja_env.globals["marked"] = marked
    app.jinja_env.globals["search_url"] = search_url
    app.jinja_env.globals["LEVEL_LABELS"] = vocabulary.LEVEL_LABELS
    app.jinja_env.globals["ONLINE_DEPTH_LABELS"] = vocabulary.ONLINE_DEPTH_LABELS
    app.jinja_env.globals["nonce"] = lambda: g.nonce
