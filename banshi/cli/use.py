"""``banshi use``: what people searched for, and the aliases that follow from what they opened."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from banshi.cli.output import json_option, print_json, print_text, refusals
from banshi.cli.words import print_item
from banshi.composition import Application
from guides import lookups, use
from indexer.analysis import exact_key

_LISTED = 20
"""Lines of each list for people; --json has more."""
_MAX_DAYS = 3650


@click.group()
def group() -> None:
    """What is learned from searches: reports, and proposals for aliases. Nothing tells who searched."""


@group.command()
@click.option("--days", type=click.IntRange(1, _MAX_DAYS), default=30, show_default=True, help="How far back to look.")
@json_option
@click.pass_obj
def report(application: Application, days: int, as_json: bool) -> None:
    """What people searched for most, in vain, and without opening anything; only what was searched 3 times or more."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
        with application.database.reading() as connection:
            found = use.report(connection, since)
            names = {division.code: division.name for division in lookups.divisions(connection)}
    divisions = [
        {**asdict(each), "name": names.get(each.division_code or "", each.division_code)} for each in found.divisions
    ]
    if as_json:
        print_json({"days": days, "shown_from": use.SHOWN_FROM, **asdict(found), "divisions": divisions})
        return
    print_text(
        f"{days} 天内搜索 {found.searches} 次；{found.without_text} 次没有保留文字，"
        f"{found.kept_back} 次的说法不足 {use.SHOWN_FROM} 次，不显示"
    )
    _print_list("没有结果的", [(query.query, query.without_result) for query in found.without_result])
    _print_list("看了结果没有点开的", [(query.query, query.unopened) for query in found.without_click])
    _print_list("搜得最多的", [(query.query, query.times) for query in found.frequent])
    _print_list("各区县", [(each["name"] or "没有选区县", each["times"]) for each in divisions])


def _print_list(title: str, lines: Sequence[tuple[Any, Any]]) -> None:
    print_text(f"{title}：" + ("" if lines else "无"))
    for text, times in lines[:_LISTED]:
        print_text(f"{times:>6}  {text}")


@group.command()
@json_option
@click.pass_obj
def proposals(application: Application, as_json: bool) -> None:
    """Aliases that use suggests: after these words people mostly opened this item."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.reading() as connection:
            found = use.proposals(connection, key=exact_key)
    if as_json:
        print_json({"proposals": [asdict(proposal) for proposal in found]})
        return
    print_text(f"{len(found)} 条建议。采纳：banshi use accept 说法 编码；不采纳：banshi use dismiss 说法 编码")
    for proposal in found:
        print_text(
            f"{proposal.query} → {proposal.item_name}  {proposal.item_code}  "
            f"{proposal.times} 次，占 {proposal.share:.0%}"
        )


@group.command()
@click.argument("query")
@click.argument("item_code")
@json_option
@click.pass_obj
def accept(application: Application, query: str, item_code: str, as_json: bool) -> None:
    """Make a proposal an alias of the item. Live within seconds."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.writing() as connection:
            item = use.accept(connection, query, item_code, key=exact_key)
    print_item(item, as_json)


@group.command()
@click.argument("query")
@click.argument("item_code")
@json_option
@click.pass_obj
def dismiss(application: Application, query: str, item_code: str, as_json: bool) -> None:
    """Refuse a proposal for good."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.writing() as connection:
            use.dismiss(connection, query, item_code, key=exact_key)
    if as_json:
        print_json({"dismissed": {"query": query, "item_code": item_code}})
    else:
        print_text(f"不再建议把“{query}”作为 {item_code} 的别名")
