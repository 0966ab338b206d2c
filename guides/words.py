"""The clerks' own words for search: synonyms, best bets, and the aliases of items.

Everything works inside a writing transaction that the caller opened, and appends to the outbox there, so that the
index has the new words within seconds. A refusal (WordsRefusedError) changes nothing.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from guides import document, lookups, models, outbox, store

MIN_WORDS: Final = 2
MAX_WORDS: Final = 20
MAX_WORD_CHARACTERS: Final = 20
MAX_ALIAS_CHARACTERS: Final = 50
MAX_QUERY_CHARACTERS: Final = 200

_CHANGED: Final = outbox.Change("words", None, "words")
"""No item has this code: the follower finds no documents for it and makes only the lexicon anew."""


class WordsRefusedError(Exception):
    """Words that can't be kept or are not there. ``code`` and ``field`` say which rule; the message says what to do."""

    def __init__(self, code: str, message: str, field: str) -> None:
        self.code = code
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class SynonymGroup:
    """Words that mean the same to searchers, as the clerk wrote them."""

    id: int
    words: list[str]
    note: str
    created_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class BestBet:
    """The item that comes first for a query. ``position`` orders the bets of one query, from 1."""

    id: int
    query: str
    item_code: str
    position: int
    note: str
    created_at: datetime.datetime


def synonym_groups(connection: sa.Connection) -> list[SynonymGroup]:
    """All groups, in the order in which they were added."""
    table = models.SynonymGroup
    rows = connection.execute(sa.select(table.id, table.words, table.note, table.created_at).order_by(table.id))
    return [SynonymGroup(*row) for row in rows]


def add_synonyms(connection: sa.Connection, words: Sequence[str], note: str = "") -> SynonymGroup:
    """Let these 2 to 20 different words mean the same."""
    words = [_clean(word, "words", MAX_WORD_CHARACTERS) for word in words]
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        raise WordsRefusedError(
            "invalid_words", f"一组同义词要有 {MIN_WORDS} 到 {MAX_WORDS} 个词，这里有 {len(words)} 个。", "words"
        )
    _refuse_twice(words, "words")
    for group in synonym_groups(connection):
        if {_compared(word) for word in group.words} == {_compared(word) for word in words}:
            raise WordsRefusedError("duplicate", f"第 {group.id} 组已经是这些词，不用再加。", "words")
    now = datetime.datetime.now(datetime.UTC)
    number = connection.execute(
        sa.insert(models.SynonymGroup)
        .values(words=words, note=note.strip(), created_at=now)
        .returning(models.SynonymGroup.id)
    ).scalar_one()
    outbox.append(connection, [_CHANGED])
    return SynonymGroup(number, words, note.strip(), now)


def remove_synonyms(connection: sa.Connection, number: int) -> None:
    """Forget a group."""
    _remove(connection, models.SynonymGroup, number, "没有编号为 {} 的同义词组。可用 banshi words synonyms list 查看。")


def best_bets(connection: sa.Connection) -> list[BestBet]:
    """All best bets; those of one query together, in their order."""
    table = models.BestBet
    rows = connection.execute(
        sa.select(table.id, table.query, table.item_code, table.position, table.note, table.created_at).order_by(
            table.exact, table.position, table.id
        )
    )
    return [BestBet(*row) for row in rows]


def add_best_bet(
    connection: sa.Connection, query: str, item_code: str, note: str = "", *, key: Callable[[str], str]
) -> BestBet:
    """Let an item come first for a query, after the bets that the query has already.

    ``key`` gives the form by which search recognises a query (indexer.analysis.exact_key).
    """
    query = _clean(query, "query", MAX_QUERY_CHARACTERS)
    exact = key(query)[:MAX_QUERY_CHARACTERS]
    if not exact:
        raise WordsRefusedError("nothing_readable", f"“{query}”里没有汉字、字母或数字，搜索时认不出来。", "query")
    item = _item(connection, item_code)
    table = models.BestBet
    present = connection.execute(sa.select(table.item_code, table.position).where(table.exact == exact)).all()
    if any(row.item_code == item.code for row in present):
        raise WordsRefusedError("duplicate", f"搜索“{query}”已经优先显示“{item.name}”，不用再加。", "query")
    position = max((row.position for row in present), default=0) + 1
    now = datetime.datetime.now(datetime.UTC)
    number = connection.execute(
        sa.insert(table)
        .values(query=query, exact=exact, item_code=item.code, position=position, note=note.strip(), created_at=now)
        .returning(table.id)
    ).scalar_one()
    outbox.append(connection, [_CHANGED])
    return BestBet(number, query, item.code, position, note.strip(), now)


def remove_best_bet(connection: sa.Connection, number: int) -> None:
    """Forget a best bet."""
    _remove(connection, models.BestBet, number, "没有编号为 {} 的优先结果。可用 banshi words best-bets list 查看。")


def add_aliases(connection: sa.Connection, item_code: str, aliases: Sequence[str]) -> document.Item:
    """Give an item more of the citizens' own words; return it as it is now."""
    item = _item(connection, item_code)
    aliases = [_clean(alias, "aliases", MAX_ALIAS_CHARACTERS) for alias in aliases]
    _refuse_twice(aliases, "aliases")
    known = {_compared(text) for text in (item.name, *item.aliases)}
    for alias in aliases:
        if _compared(alias) in known:
            raise WordsRefusedError("duplicate", f"“{alias}”已经是“{item.name}”的名称或别名。", "aliases")
    return _with_aliases(connection, item, [*item.aliases, *aliases])


def remove_aliases(connection: sa.Connection, item_code: str, aliases: Sequence[str]) -> document.Item:
    """Take aliases from an item; return it as it is now."""
    item = _item(connection, item_code)
    unwanted = {_compared(alias): alias for alias in aliases}
    known = {_compared(alias) for alias in item.aliases}
    for compared, alias in unwanted.items():
        if compared not in known:
            raise WordsRefusedError("not_found", f"“{item.name}”没有“{alias}”这个别名。", "aliases")
    return _with_aliases(connection, item, [alias for alias in item.aliases if _compared(alias) not in unwanted])


def _with_aliases(connection: sa.Connection, item: document.Item, aliases: list[str]) -> document.Item:
    changed = document.Item.model_validate({**item.model_dump(), "aliases": aliases})
    store.save_items(connection, [changed])
    return changed


def _item(connection: sa.Connection, code: str) -> document.Item:
    found = lookups.items(connection, [code])
    if not found:
        raise WordsRefusedError("unknown_item", f"没有基本编码为 {code} 的事项，请核对编码。", "item_code")
    return found[0]


def _remove(
    connection: sa.Connection, table: type[models.SynonymGroup | models.BestBet], number: int, missing: str
) -> None:
    if not connection.execute(sa.delete(table).where(table.id == number)).rowcount:
        raise WordsRefusedError("not_found", missing.format(number), "id")
    outbox.append(connection, [_CHANGED])


def _clean(text: str, field: str, most: int) -> str:
    """A text as it is kept: single spaces, nothing that a page could not show."""
    if any(unicodedata.category(char) in ("Cc", "Cs", "Cf") for char in text.strip()):
        raise WordsRefusedError("invalid_words", "含有不能显示的字符（控制字符或半个字），请重新输入。", field)
    text = " ".join(text.split())
    if not text:
        raise WordsRefusedError("invalid_words", "词不能为空，请写出文字。", field)
    if len(text) > most:
        raise WordsRefusedError(
            "invalid_words", f"“{text[:most]}……”有 {len(text)} 个字，最多 {most} 个字，请写短一些。", field
        )
    return text


def _compared(text: str) -> str:
    """Equal for texts that differ only in width, case or spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _refuse_twice(texts: Sequence[str], field: str) -> None:
    seen: set[str] = set()
    for text in texts:
        if _compared(text) in seen:
            raise WordsRefusedError("duplicate", f"“{text}”写了两次，请删去一个。", field)
        seen.add(_compared(text))
