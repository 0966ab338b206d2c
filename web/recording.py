"""What is noted of a search and of the guide opened after it, and how the two are joined without knowing anybody.

The links of a results page carry ``?from=TOKEN.RANK``: a random token of this one search, which the guide's page notes
and which is forgotten within hours (guides/use.py). No cookie, no address, nothing of the browser.
"""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from flask import request

from guides import use
from indexer.folding import fold
from indexer.serving import DivisionTree
from search.results import SearchResponse, SearchResult
from web.context import web

PARAMETER: Final = "from"
_TOKEN_BYTES: Final = 9
_FROM = re.compile(r"([A-Za-z0-9_-]{12})\.([0-9]{1,4})", re.ASCII)


def record_search(response: SearchResponse, source: use.Source) -> str | None:
    """Note a search that was answered; the token for its links, or None where it is not noted.

    Noted are the first pages of searches in words. A later page carries the token of the first.
    """
    recorder = web().recorder
    if recorder is None or not _is_read_by_someone() or not response.query:
        return None
    try:
        if response.page > 1:
            opened = _carried()
            return opened[0] if opened else None
        token = secrets.token_urlsafe(_TOKEN_BYTES) if source != "api" else None
        return token if recorder.put(_search(response, source, token)) else None
    except Exception as error:  # noting a search must never be what fails it
        structlog.get_logger("use").error("not recorded", error=type(error).__name__)
        return None


def record_opening(item_code: str) -> None:
    """Note that a guide of an item was opened, where the address says from which search."""
    recorder = web().recorder
    opened = _carried()
    if recorder is not None and opened is not None and opened[1] and _is_read_by_someone():
        recorder.put(use.Opening(opened[0], item_code, opened[1]))


def carried() -> dict[str, Any]:
    """The parameter that a redirect must hand on, if the address has it."""
    opened = _carried()
    return {PARAMETER: f"{opened[0]}.{opened[1]}"} if opened else {}


def with_token(response: SearchResponse, token: str | None) -> SearchResponse:
    """The same with links that tell from which search they were followed."""
    if token is None:
        return response
    first = (response.page - 1) * response.size + 1
    return replace(
        response,
        results=_linked(response.results, token, first),
        relaxed=[replace(relaxed, results=_linked(relaxed.results, token, 1)) for relaxed in response.relaxed],
    )


def _linked(results: Iterable[SearchResult], token: str, first: int) -> list[SearchResult]:
    return [replace(result, url=with_parameter(result.url, token, rank)) for rank, result in enumerate(results, first)]


def with_parameter(address: str, token: str, rank: int = 0) -> str:
    """An address with the parameter, before its anchor. Rank 0 is no result but the way to more of them."""
    parts = urlsplit(address)
    query = f"{parts.query}&" if parts.query else ""
    return parts._replace(query=f"{query}{PARAMETER}={token}.{rank}").geturl()


def _carried() -> tuple[str, int] | None:
    """(token, rank) that the address carries."""
    found = _FROM.fullmatch(request.args.get(PARAMETER, ""))
    return (found[1], int(found[2])) if found else None


def _is_read_by_someone() -> bool:
    """Not where only the headers are asked for, or a browser fetches what may be read next."""
    fetched_ahead = {request.headers.get("Sec-Purpose", ""), request.headers.get("Purpose", "")}
    return request.method == "GET" and not any(purpose.startswith("prefetch") for purpose in fetched_ahead)


def _search(response: SearchResponse, source: use.Source, token: str | None) -> use.Search:
    language = web().search.language
    understood = response.understood
    filters = {chip.kind: chip.value for chip in understood.chips if chip.kind in ("online", "level", "aspect")}
    filters |= {
        # A theme is taken from the address as it is; only those that exist are noted.
        "theme": next((c.value for c in understood.chips if c.kind == "theme" and c.value in language.themes), ""),
        "department": understood.department or "",
        "applicant": understood.applicant or "",
    }
    return use.Search(
        at=datetime.datetime.now(datetime.UTC),
        # What was understood as a place is left out of the words: it may be a street.
        query=fold(understood.text) if use.storable(fold(response.query)) else "",
        division_code=_district(language.places.tree, understood.division),
        filters={name: value for name, value in filters.items() if value},
        source=source,
        total=response.total,
        engine=response.engine,
        token=token,
    )


def _district(tree: DivisionTree, code: str | None) -> str | None:
    """The district that a division is or lies in; None for the city."""
    own = tree.ancestors(code) if code is not None else []
    return next((each for each in own if tree.by_code[each].level == "district"), None)
