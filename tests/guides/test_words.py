"""The clerks' words: kept whole, refused with a reason, and told to the index in the same transaction."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from guides import lookups, outbox, words
from guides.database import Database
from indexer import lexicon
from indexer.analysis import exact_key
from tests import catalogue
from tests.postgresql import Databases

CARD = catalogue.item(1, "居民身份证补领", aliases=["身份证丢了"])
PASSPORT = catalogue.item(2, "普通护照签发", aliases=[])
UNPUBLISHED = catalogue.item(3, "居住证签注", aliases=[])


@pytest.fixture
def database(databases: Databases) -> Database:
    return databases.filled([CARD, PASSPORT, UNPUBLISHED], [catalogue.guide(CARD), catalogue.guide(PASSPORT)])


def position(database: Database) -> int:
    with database.reading() as connection:
        return outbox.last_id(connection)


def add_bet(connection: sa.Connection, query: str, code: str) -> words.BestBet:
    return words.add_best_bet(connection, query, code, key=exact_key)


def test_synonyms_are_kept_in_the_order_and_form_they_were_written(database: Database) -> None:
    with database.writing() as connection:
        added = words.add_synonyms(connection, [" 身份证 ", "ＩＤ卡", "身份 证件"], "常有人这样说")
    with database.reading() as connection:
        assert words.synonym_groups(connection) == [added]
    assert (added.words, added.note) == (["身份证", "ＩＤ卡", "身份 证件"], "常有人这样说")


def test_every_change_of_words_is_one_row_in_the_outbox(database: Database) -> None:
    before = position(database)
    with database.writing() as connection:
        group = words.add_synonyms(connection, ["护照", "出国本"])
        bet = add_bet(connection, "出国", PASSPORT.code)
        words.remove_synonyms(connection, group.id)
        words.remove_best_bet(connection, bet.id)
        words.add_aliases(connection, PASSPORT.code, ["办出国本"])
    with database.reading() as connection:
        changes = [entry.item_code for entry in outbox.after(connection, before)]
    assert changes == ["words", "words", "words", "words", PASSPORT.code]


def test_words_that_are_not_committed_leave_nothing_behind(database: Database) -> None:
    before = position(database)
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        words.add_synonyms(connection, ["护照", "出国本"])
        raise ZeroDivisionError
    assert position(database) == before
    with database.reading() as connection:
        assert words.synonym_groups(connection) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["护照"], "2 到 20 个词"),
        ([f"词{n}" for n in range(21)], "这里有 21 个"),
        (["护照", "  "], "不能为空"),
        (["护照", "很" * 21], "最多 20 个字"),
        (["护照", "护 照"], "写了两次"),
        (["id卡", "ＩＤ卡"], "写了两次"),
        (["护照", "出\x00国"], "不能显示的字符"),
        (["护照", "出\ud800国"], "不能显示的字符"),
    ],
)
def test_synonyms_that_make_no_sense_are_refused_with_the_reason(
    database: Database, given: list[str], message: str
) -> None:
    before = position(database)
    with pytest.raises(words.WordsRefusedError, match=message) as refused, database.writing() as connection:
        words.add_synonyms(connection, given)
    assert refused.value.field == "words"
    assert position(database) == before


def test_the_longest_words_and_the_largest_group_are_taken(database: Database) -> None:
    with database.writing() as connection:
        assert len(words.add_synonyms(connection, [f"{n:02}{'很' * 18}" for n in range(20)]).words) == 20


def test_the_same_group_is_not_kept_twice(database: Database) -> None:
    with database.writing() as connection:
        words.add_synonyms(connection, ["护照", "出国本"])
        with pytest.raises(words.WordsRefusedError, match="第 1 组"):
            words.add_synonyms(connection, ["出国本", "护照"])
        words.add_synonyms(connection, ["护照", "出国本", "通行证"])


def test_the_number_of_a_removed_group_is_not_given_again(database: Database) -> None:
    with database.writing() as connection:
        first = words.add_synonyms(connection, ["护照", "出国本"]).id
        words.remove_synonyms(connection, first)
        second = words.add_synonyms(connection, ["护照", "出国本"]).id
    assert second != first
    with database.writing() as connection, pytest.raises(words.WordsRefusedError, match="没有编号为"):
        words.remove_synonyms(connection, first)


def test_best_bets_of_one_query_stand_in_the_order_they_were_added(database: Database) -> None:
    with database.writing() as connection:
        add_bet(connection, "办证", PASSPORT.code)
        add_bet(connection, "补证", CARD.code)
        add_bet(connection, "办 证！", CARD.code)
    with database.reading() as connection:
        bets = [(bet.query, bet.item_code, bet.position) for bet in words.best_bets(connection)]
    assert sorted(bets) == sorted([("办证", PASSPORT.code, 1), ("办 证！", CARD.code, 2), ("补证", CARD.code, 1)])
    assert bets.index(("办证", PASSPORT.code, 1)) + 1 == bets.index(("办 证！", CARD.code, 2))


@pytest.mark.parametrize(
    ("query", "code", "field", "message"),
    [
        ("补证", "000000000000", "item_code", "没有基本编码为 000000000000 的事项"),
        ("", CARD.code, "query", "不能为空"),
        ("？！", CARD.code, "query", "搜索时认不出来"),
        ("长" * 201, CARD.code, "query", "最多 200 个字"),
        ("已 有", CARD.code, "query", "不用再加"),
    ],
)
def test_a_best_bet_that_makes_no_sense_is_refused_with_the_reason(
    database: Database, query: str, code: str, field: str, message: str
) -> None:
    with database.writing() as connection:
        add_bet(connection, "已有", CARD.code)
    with pytest.raises(words.WordsRefusedError, match=message) as refused, database.writing() as connection:
        add_bet(connection, query, code)
    assert refused.value.field == field
    with database.reading() as connection:
        assert [bet.query for bet in words.best_bets(connection)] == ["已有"]


def test_aliases_are_added_and_taken_away_one_by_one(database: Database) -> None:
    with database.writing() as connection:
        assert words.add_aliases(connection, CARD.code, ["丢了身份证", "身份证没了"]).aliases == [
            "身份证丢了",
            "丢了身份证",
            "身份证没了",
        ]
        words.remove_aliases(connection, CARD.code, ["身份证丢了"])
    with database.reading() as connection:
        assert lookups.items(connection, [CARD.code])[0].aliases == ["丢了身份证", "身份证没了"]


@pytest.mark.parametrize(
    ("alias", "message"),
    [("身份证丢了", "已经是"), ("居民身份证补领", "已经是"), ("", "不能为空"), ("很" * 51, "最多 50 个字")],
)
def test_an_alias_that_adds_nothing_is_refused(database: Database, alias: str, message: str) -> None:
    with database.writing() as connection, pytest.raises(words.WordsRefusedError, match=message):
        words.add_aliases(connection, CARD.code, [alias])


def test_an_alias_or_item_that_is_not_there_cannot_be_changed(database: Database) -> None:
    with database.writing() as connection:
        with pytest.raises(words.WordsRefusedError, match="没有“丢证”这个别名"):
            words.remove_aliases(connection, CARD.code, ["丢证"])
        with pytest.raises(words.WordsRefusedError, match="没有基本编码为 1 的事项"):
            words.add_aliases(connection, "1", ["丢证"])


def test_the_lexicon_has_the_words_and_keeps_them_when_it_is_stored(database: Database) -> None:
    with database.writing() as connection:
        words.add_synonyms(connection, ["护照", "出国本"])
        add_bet(connection, "办 证", PASSPORT.code)
        add_bet(connection, "办证", CARD.code)
        add_bet(connection, "办证", UNPUBLISHED.code)
    with database.reading() as connection:
        published = [code for code, _count in lookups.published_items(connection)]
        made = lexicon.build(connection, published)
    assert made.synonyms == (("护照", "出国本"),)
    assert made.best_bets == (("办证", PASSPORT.code), ("办证", CARD.code)), "an item without guides can't come first"
    assert lexicon.Lexicon.from_json(made.to_json()) == made


def test_a_lexicon_of_before_there_were_words_is_still_read(database: Database) -> None:
    with database.reading() as connection:
        made = lexicon.build(connection)
    old = made.to_json().replace(', "synonyms": [], "best_bets": []', "")
    assert "synonyms" not in old
    assert lexicon.Lexicon.from_json(old) == made
