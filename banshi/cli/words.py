"""``banshi words``: synonyms, best bets and aliases, live within seconds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from banshi.cli.output import json_option, print_json, print_text, refusals
from banshi.composition import Application
from guides import document, lookups, words
from indexer.analysis import exact_key

_NUMBER = click.IntRange(1, 2**31 - 1)
_SOON = "，几秒后生效"
_note_option = click.option("--note", default="", help="Why, for whoever reads it later.")


@click.group()
def group() -> None:
    """The clerks' own words for search: synonyms, best bets, aliases. Live within seconds."""


@group.group()
def synonyms() -> None:
    """Groups of words that mean the same."""


@synonyms.command("list")
@json_option
@click.pass_obj
def list_synonyms(application: Application, as_json: bool) -> None:
    """List all groups with their numbers."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.reading() as connection:
            groups = words.synonym_groups(connection)
    if as_json:
        print_json({"synonyms": [asdict(each) for each in groups]})
        return
    print_text(f"{len(groups)} 组同义词")
    for each in groups:
        print_text(f"{each.id:>5}  {'＝'.join(each.words)}{_in_brackets(each.note)}")


@synonyms.command("add")
@click.argument("words_", metavar="WORD WORD...", nargs=-1, required=True)
@_note_option
@json_option
@click.pass_obj
def add_synonyms(application: Application, words_: tuple[str, ...], note: str, as_json: bool) -> None:
    """Let 2 to 20 words mean the same."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.writing() as connection:
            added = words.add_synonyms(connection, words_, note)
    _print(asdict(added), f"已加同义词组 {added.id}：{'＝'.join(added.words)}{_SOON}", as_json)


@synonyms.command("remove")
@click.argument("number", metavar="ID", type=_NUMBER)
@json_option
@click.pass_obj
def remove_synonyms(application: Application, number: int, as_json: bool) -> None:
    """Remove a group by its number."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.writing() as connection:
            words.remove_synonyms(connection, number)
    _print({"removed": number}, f"已删除同义词组 {number}{_SOON}", as_json)


@group.group()
def best_bets() -> None:
    """Items that come first for a query."""


@best_bets.command("list")
@json_option
@click.pass_obj
def list_best_bets(application: Application, as_json: bool) -> None:
    """List all best bets with their numbers; those of one query in the order in which they are shown."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.reading() as connection:
            bets = words.best_bets(connection)
            names = {item.code: item.name for item in lookups.items(connection, [bet.item_code for bet in bets])}
    if as_json:
        print_json({"best_bets": [{**asdict(bet), "item_name": names[bet.item_code]} for bet in bets]})
        return
    print_text(f"{len(bets)} 条优先结果")
    for bet in bets:
        print_text(f"{bet.id:>5}  {bet.query} → {names[bet.item_code]}  {bet.item_code}{_in_brackets(bet.note)}")


@best_bets.command("add")
@click.argument("query")
@click.argument("item_code")
@_note_option
@json_option
@click.pass_obj
def add_best_bet(application: Application, query: str, item_code: str, note: str, as_json: bool) -> None:
    """Let an item come first for exactly this query, after the best bets that the query has already."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.writing() as connection:
            added = words.add_best_bet(connection, query, item_code, note, key=exact_key)
    _print(asdict(added), f"已加优先结果 {added.id}：{added.query} → {added.item_code}{_SOON}", as_json)


@best_bets.command("remove")
@click.argument("number", metavar="ID", type=_NUMBER)
@json_option
@click.pass_obj
def remove_best_bet(application: Application, number: int, as_json: bool) -> None:
    """Remove a best bet by its number."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.writing() as connection:
            words.remove_best_bet(connection, number)
    _print({"removed": number}, f"已删除优先结果 {number}{_SOON}", as_json)


@group.group()
def aliases() -> None:
    """What citizens call an item."""


@aliases.command("add")
@click.argument("item_code")
@click.argument("aliases_", metavar="ALIAS...", nargs=-1, required=True)
@json_option
@click.pass_obj
def add_aliases(application: Application, item_code: str, aliases_: tuple[str, ...], as_json: bool) -> None:
    """Give an item more names of the citizens' own."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.writing() as connection:
            item = words.add_aliases(connection, item_code, aliases_)
    print_item(item, as_json)


@aliases.command("remove")
@click.argument("item_code")
@click.argument("alias")
@json_option
@click.pass_obj
def remove_alias(application: Application, item_code: str, alias: str, as_json: bool) -> None:
    """Take one of these names away."""
    with refusals(as_json=as_json):
        application.database.require_ready()
        with application.database.writing() as connection:
            item = words.remove_aliases(connection, item_code, [alias])
    print_item(item, as_json)


def print_item(item: document.Item, as_json: bool) -> None:
    """An item whose aliases changed."""
    value = {"item_code": item.code, "name": item.name, "aliases": item.aliases}
    _print(value, f"“{item.name}”的别名：{'、'.join(item.aliases) or '无'}{_SOON}", as_json)


def _print(value: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        print_text(text)


def _in_brackets(note: str) -> str:
    return f"（{note}）" if note else ""
