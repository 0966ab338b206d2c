"""What is learned from use: which words people searched with, and what they opened after. Never who.

A row has no address, no browser, no cookie and no session; its time is rounded to the hour, its place to the district,
and words that look like somebody's number are left out (``storable``). For an hour or two a random token joins a search
with the result that was opened; ``purge`` takes it away. Reports show only queries that were seen SHOWN_FROM times.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa

from guides import document, lookups, models, words

Source = Literal["page", "api", "voice", "kiosk"]

SHOWN_FROM: Final = 3
"""A query seen less often is in no report: what only one person says may tell who it is."""
MAX_QUERY_CHARACTERS: Final = 200
TOKEN_HOURS: Final = 1
"""A token is kept for this long after the hour of its search is over."""
MIN_SHARE: Final = 0.6
"""An alias is proposed where at least this part of what was opened is one item."""
_LISTED: Final = 50

_DIGIT = r"[\d零〇一二两三四五六七八九幺]"
_NUMBER = re.compile(rf"{_DIGIT}(?:[\s\-.·_/()]*{_DIGIT}){{5}}")
"""Six digits, said or written, however they are grouped: phones, identity cards, accounts, birthdays."""
_MIXED = re.compile(r"(?<![a-z0-9])(?=(?:[a-z]*\d){5})[a-z0-9]{6}", re.IGNORECASE)
"""Passports, permits: letters and digits in one."""
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z][·.\s-]?[a-z0-9]{5}", re.IGNORECASE
)
"""Number plates of cars."""


@dataclass(frozen=True, slots=True)
class Search:
    """One search. ``query`` is folded and without the words that were understood as place or filter; ``division_code``
    is a district's or the city's, None where none was chosen; ``token`` joins it with what is opened."""

    at: datetime.datetime
    query: str
    division_code: str | None
    filters: dict[str, Any]
    source: Source
    total: int
    engine: str
    token: str | None


@dataclass(frozen=True, slots=True)
class Opening:
    """A result that was opened: of which search, which item, and where it stood, from 1."""

    token: str
    item_code: str
    rank: int


def storable(text: str) -> bool:
    """Whether a text holds nothing that looks like a person's number or address of mail."""
    return not ("@" in text or any(pattern.search(text) for pattern in (_NUMBER, _MIXED, _PLATE)))


def record(connection: sa.Connection, searches: Sequence[Search]) -> None:
    """Add searches. Words that are not ``storable`` become an empty text: the search is counted all the same."""
    if not searches:
        return
    connection.execute(
        sa.insert(models.SearchUse),
        [
            {
                "token": search.token,
                "at": search.at.replace(minute=0, second=0, microsecond=0),
                "query": search.query[:MAX_QUERY_CHARACTERS] if storable(search.query) else "",
                "division_code": search.division_code,
                "filters": search.filters,
                "source": search.source,
                "total": search.total,
                "was_confident": search.total > 0,
                "engine": search.engine,
                "opened_item": None,
                "opened_rank": None,
                "printed": False,
            }
            for search in searches
        ],
    )


def mark_opened(connection: sa.Connection, opening: Opening) -> bool:
    """Note the first result that was opened of a search; False where no search has that token (any more, or yet)."""
    table = models.SearchUse
    noted = connection.execute(
        sa.update(table)
        .where(table.token == opening.token, table.opened_item.is_(None))
        .values(opened_item=opening.item_code, opened_rank=opening.rank)
    ).rowcount
    return bool(noted) or _is_token(connection, opening.token)


def mark_printed(connection: sa.Connection, token: str) -> bool:
    """Note that the slip of what was opened was printed; False where no search has that token."""
    table = models.SearchUse
    return bool(connection.execute(sa.update(table).where(table.token == token).values(printed=True)).rowcount)


def _is_token(connection: sa.Connection, token: str) -> bool:
    return connection.execute(sa.select(models.SearchUse.id).where(models.SearchUse.token == token)).first() is not None


@dataclass(frozen=True, slots=True)
class Purged:
    """How many searches were forgotten, and how many tokens."""

    searches: int
    tokens: int


def purge(connection: sa.Connection, now: datetime.datetime, keep_days: int) -> Purged:
    """Forget searches older than ``keep_days``, and the tokens of those whose time to be opened is over."""
    table = models.SearchUse
    rows = connection.execute(sa.delete(table).where(table.at < now - datetime.timedelta(days=keep_days))).rowcount
    # ``at`` is the beginning of the search's hour.
    limit = now - datetime.timedelta(hours=1 + TOKEN_HOURS)
    tokens = connection.execute(
        sa.update(table).where(table.token.is_not(None), table.at <= limit).values(token=None)
    ).rowcount
    return Purged(rows, tokens)


@dataclass(frozen=True, slots=True)
class QueryUse:
    """How a query fared: searches, those without a result, those that opened one, and those by people who saw results
    and opened none (programs that ask the API open nothing and are not among them)."""

    query: str
    times: int
    without_result: int
    opened: int
    unopened: int


@dataclass(frozen=True, slots=True)
class DivisionUse:
    """Searches for one division; None where none was chosen."""

    division_code: str | None
    times: int
    without_result: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was searched since a time. ``without_text`` are searches whose words were left out, ``kept_back`` those
    whose words were seen too seldom to be shown; the lists hold the 50 that matter most."""

    since: datetime.datetime
    searches: int
    without_text: int
    kept_back: int
    sources: dict[str, int]
    frequent: list[QueryUse]
    without_result: list[QueryUse]
    without_click: list[QueryUse]
    divisions: list[DivisionUse]


def report(connection: sa.Connection, since: datetime.datetime) -> Report:
    """What people searched for since a time: most often, in vain, and without opening anything."""
    table = models.SearchUse
    times = sa.func.count()
    without_result = _count_of(sa.not_(table.was_confident))
    seen = table.at >= since
    sources = dict(
        connection.execute(
            sa.select(table.source, times).where(seen).group_by(table.source).order_by(table.source)
        ).all()
    )
    unopened = sa.and_(table.was_confident, table.opened_item.is_(None), table.source != "api")
    rows = connection.execute(
        sa.select(table.query, times, without_result, _count_of(table.opened_item.is_not(None)), _count_of(unopened))
        .where(seen, table.query != "")
        .group_by(table.query)
        .having(times >= SHOWN_FROM)
        .order_by(times.desc(), table.query)
    )
    queries = [QueryUse(*row) for row in rows]
    without_text = connection.execute(sa.select(times).where(seen, table.query == "")).scalar_one()
    divisions = connection.execute(
        sa.select(table.division_code, times, without_result)
        .where(seen)
        .group_by(table.division_code)
        .having(times >= SHOWN_FROM)
        .order_by(times.desc(), table.division_code)
    )
    searches = sum(sources.values())
    in_vain = sorted((q for q in queries if q.without_result), key=lambda q: -q.without_result)
    passed_over = sorted((q for q in queries if q.unopened * 2 >= q.times), key=lambda q: -q.unopened)
    return Report(
        since=since,
        searches=searches,
        without_text=without_text,
        kept_back=searches - without_text - sum(query.times for query in queries),
        sources=sources,
        frequent=queries[:_LISTED],
        without_result=in_vain[:_LISTED],
        without_click=passed_over[:_LISTED],
        divisions=[DivisionUse(*row) for row in divisions],
    )


def _count_of(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def openings(connection: sa.Connection, since: datetime.datetime) -> dict[str, int]:
    """Item code -> how often its guides were opened from results since a time."""
    table = models.SearchUse
    counted = (
        sa.select(table.opened_item, sa.func.count())
        .where(table.at >= since, table.opened_item.is_not(None))
        .group_by(table.opened_item)
    )
    return {str(code): int(count) for code, count in connection.execute(counted)}


@dataclass(frozen=True, slots=True)
class Proposal:
    """An alias for an item: after this query people opened it ``times`` times, ``share`` of all that they opened."""

    query: str
    item_code: str
    item_name: str
    times: int
    share: float


class ProposalMissingError(Exception):
    """There is no such proposal (any more). The message says what to do."""

    code = "not_found"
    field = "query"


def proposals(connection: sa.Connection, *, key: Callable[[str], str]) -> list[Proposal]:
    """Aliases that use suggests, the most used first: what people said at least SHOWN_FROM times before they opened
    mostly one item, unless it is called so already or a clerk refused.

    ``key`` gives the form in which texts are compared (indexer.analysis.exact_key).
    """
    table = models.SearchUse
    times = sa.func.count()
    rows = connection.execute(
        sa.select(table.query, table.opened_item, times)
        .where(table.query != "", table.opened_item.is_not(None))
        .group_by(table.query, table.opened_item)
    ).all()
    opened: dict[str, int] = {}
    for query, _item_code, count in rows:
        opened[query] = opened.get(query, 0) + count
    items = {item.code: item for item in lookups.items(connection)}
    called = {key(text) for item in items.values() for text in (item.name, *item.aliases)}
    refused = set(
        connection.execute(sa.select(models.DismissedProposal.query, models.DismissedProposal.item_code)).all()
    )
    found = [
        Proposal(query, code, items[code].name, count, round(count / opened[query], 2))
        for query, code, count in rows
        if count >= SHOWN_FROM
        and count / opened[query] >= MIN_SHARE
        and code in items
        and len(query) <= words.MAX_ALIAS_CHARACTERS
        and key(query)
        and key(query) not in called
        and (query, code) not in refused
    ]
    return sorted(found, key=lambda proposal: (-proposal.times, proposal.query))


def accept(connection: sa.Connection, query: str, item_code: str, *, key: Callable[[str], str]) -> document.Item:
    """Make a proposal an alias; return the item as it is now. Writes to the outbox, so searchers have it at once."""
    proposal = _proposed(connection, query, item_code, key)
    return words.add_aliases(connection, item_code, [proposal.query])


def dismiss(connection: sa.Connection, query: str, item_code: str, *, key: Callable[[str], str]) -> None:
    """Refuse a proposal for good."""
    proposal = _proposed(connection, query, item_code, key)
    connection.execute(
        sa.insert(models.DismissedProposal).values(
            query=proposal.query, item_code=item_code, created_at=datetime.datetime.now(datetime.UTC)
        )
    )


def _proposed(connection: sa.Connection, query: str, item_code: str, key: Callable[[str], str]) -> Proposal:
    for proposal in proposals(connection, key=key):
        if (key(proposal.query), proposal.item_code) == (key(query), item_code):
            return proposal
    raise ProposalMissingError(
        f"没有把“{query}”作为 {item_code} 别名的建议，可能已经处理过。可用 banshi use proposals 查看；"
        "要直接加别名，请用 banshi words aliases add。"
    )
