"""What is learned from use: counted without anybody being known, shown only where several said it, forgotten in time."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from guides import lookups, models, use
from guides.database import Database
from indexer.analysis import exact_key
from tests import catalogue
from tests.postgresql import Databases

CARD = catalogue.item(1, "居民身份证补领", aliases=["身份证丢了"])
PASSPORT = catalogue.item(2, "普通护照签发", aliases=[])
NOW = datetime.datetime(2026, 3, 4, 15, 47, 11, tzinfo=datetime.UTC)
LONG_AGO = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def database(databases: Databases) -> Database:
    return databases.filled([CARD, PASSPORT], [catalogue.guide(CARD), catalogue.guide(PASSPORT)])


def search(query: str, **fields: Any) -> use.Search:
    values: dict[str, Any] = {
        "at": NOW,
        "division_code": "230102",
        "filters": {},
        "source": "page",
        "total": 3,
        "engine": "embedded",
        "token": None,
    }
    return use.Search(query=query, **(values | fields))


def record(database: Database, *searches: use.Search) -> None:
    with database.writing() as connection:
        use.record(connection, searches)


def record_opened(database: Database, query: str, item: str, times: int) -> None:
    """Searches for a query after which an item was opened."""
    with database.writing() as connection:
        for number in range(times):
            token = f"{abs(hash((query, item, number))) % 10**12:012}"
            use.record(connection, [search(query, token=token)])
            assert use.mark_opened(connection, use.Opening(token, item, 1))


def rows(database: Database) -> list[dict[str, Any]]:
    with database.reading() as connection:
        table = models.SearchUse.__table__
        return [dict(row) for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings()]


def test_a_search_is_kept_with_its_hour_and_no_more_of_its_time(database: Database) -> None:
    record(database, search("身份证丢了", filters={"aspect": "fee"}, token="abcdefghijkl"))
    (row,) = rows(database)
    assert row == {
        "id": row["id"],
        "token": "abcdefghijkl",
        "at": datetime.datetime(2026, 3, 4, 15, tzinfo=datetime.UTC),
        "query": "身份证丢了",
        "division_code": "230102",
        "filters": {"aspect": "fee"},
        "source": "page",
        "total": 3,
        "was_confident": True,
        "engine": "embedded",
        "opened_item": None,
        "opened_rank": None,
        "printed": False,
    }


def test_the_table_has_no_place_for_who_searched() -> None:
    columns = set(models.SearchUse.__table__.columns.keys())
    assert not {
        name for name in columns for word in ("ip", "addr", "agent", "user", "cookie", "session") if word == name
    }
    assert len(columns) == 13, "a new column needs a new look at what it tells of people"


@pytest.mark.parametrize(
    "text",
    [
        "230102199001011234",
        "23010219900101123x",
        "我的电话13800138000",
        "138 0013 8000 查办件",
        "138-0013-8000",
        "0451-8888 8888",
        "一三八零零一三八零零零",
        "幺三八〇〇一三八〇〇〇",
        "123456",
        "黑a12345年检",
        "黑A·8K6D1",
        "护照e1234567",
        "zhang@example.com",
    ],
)
def test_what_looks_like_a_persons_number_is_counted_but_not_kept(database: Database, text: str) -> None:
    assert not use.storable(text)
    record(database, search(text))
    (row,) = rows(database)
    assert (row["query"], row["total"]) == ("", 3)


@pytest.mark.parametrize(
    "text",
    ["身份证丢了", "12345热线", "2026年3月养老金", "80岁老人", "第1号行业许可", "iso9001", "c1驾照", "二十四小时"],
)
def test_ordinary_words_with_a_few_digits_are_kept(text: str) -> None:
    assert use.storable(text)


def test_a_long_query_is_cut_and_an_empty_batch_does_nothing(database: Database) -> None:
    record(database)
    record(database, search("长" * 300))
    assert [len(row["query"]) for row in rows(database)] == [200]


def test_the_first_result_opened_is_noted_once(database: Database) -> None:
    record(database, search("身份证", token="abcdefghijkl"))
    with database.writing() as connection:
        assert use.mark_opened(connection, use.Opening("abcdefghijkl", CARD.code, 2))
        assert use.mark_opened(connection, use.Opening("abcdefghijkl", PASSPORT.code, 3)), "a second one is no mistake"
        assert not use.mark_opened(connection, use.Opening("mnopqrstuvwx", CARD.code, 1))
        assert use.mark_printed(connection, "abcdefghijkl")
        assert not use.mark_printed(connection, "mnopqrstuvwx")
    (row,) = rows(database)
    assert (row["opened_item"], row["opened_rank"], row["printed"]) == (CARD.code, 2, True)


def test_tokens_are_forgotten_an_hour_after_their_hour_and_rows_after_their_days(database: Database) -> None:
    old, fresh = NOW - datetime.timedelta(days=180, hours=1), NOW - datetime.timedelta(hours=1)
    earlier = NOW - datetime.timedelta(hours=2)
    times = {"old": old, "earlier": earlier, "fresh": fresh}
    record(database, *(search(name, at=at, token=f"{name:-<12}") for name, at in times.items()))
    with database.writing() as connection:
        assert use.purge(connection, NOW, keep_days=180) == use.Purged(searches=1, tokens=1)
        assert use.purge(connection, NOW, keep_days=180) == use.Purged(searches=0, tokens=0)
    assert {row["query"]: row["token"] for row in rows(database)} == {"earlier": None, "fresh": "fresh-------"}


def test_a_report_shows_only_what_was_said_three_times(database: Database) -> None:
    record(database, *[search("办护照")] * 3, *[search("张三家的低保")] * 2, search("13800138000"))
    with database.reading() as connection:
        report = use.report(connection, LONG_AGO)
    assert [(query.query, query.times) for query in report.frequent] == [("办护照", 3)]
    assert (report.searches, report.without_text, report.kept_back) == (6, 1, 2)
    assert "张三" not in repr(report)


def test_a_report_tells_what_was_in_vain_and_what_nobody_opened(database: Database) -> None:
    record(
        database,
        *[search("火箭", total=0, division_code=None)] * 4,
        *[search("低保", source="api")] * 3,
        *[search("残疾证", source="kiosk", division_code="230103")] * 3,
    )
    record_opened(database, "办护照", PASSPORT.code, 5)
    with database.reading() as connection:
        report = use.report(connection, LONG_AGO)
    assert [(query.query, query.without_result) for query in report.without_result] == [("火箭", 4)]
    assert [(query.query, query.unopened) for query in report.without_click] == [("残疾证", 3)]
    assert [query.query for query in report.frequent] == ["办护照", "火箭", "低保", "残疾证"] or len(
        report.frequent
    ) == 4
    assert [(each.division_code, each.times) for each in report.divisions] == [("230102", 8), (None, 4), ("230103", 3)]
    assert report.sources == {"api": 3, "kiosk": 3, "page": 9}


def test_a_report_looks_back_as_far_as_it_is_asked(database: Database) -> None:
    record(database, *[search("办护照", at=NOW - datetime.timedelta(days=9))] * 3)
    with database.reading() as connection:
        assert use.report(connection, NOW - datetime.timedelta(days=7)).searches == 0
        assert use.report(connection, NOW - datetime.timedelta(days=10)).searches == 3


def test_openings_are_counted_by_item_since_a_time(database: Database) -> None:
    record_opened(database, "丢卡", CARD.code, 3)
    record_opened(database, "办护照", PASSPORT.code, 1)
    record(database, search("什么也没打开"))
    with database.reading() as connection:
        assert use.openings(connection, LONG_AGO) == {CARD.code: 3, PASSPORT.code: 1}
        assert use.openings(connection, NOW + datetime.timedelta(hours=2)) == {}


def test_an_alias_is_proposed_where_people_open_mostly_one_item(database: Database) -> None:
    record_opened(database, "出国本", PASSPORT.code, 4)
    record_opened(database, "出国本", CARD.code, 1)
    record_opened(database, "办证", PASSPORT.code, 3)
    record_opened(database, "办证", CARD.code, 3)
    record_opened(database, "卡没了", CARD.code, 2)
    record_opened(database, "身份证丢了", CARD.code, 5)
    with database.reading() as connection:
        found = use.proposals(connection, key=exact_key)
    assert found == [use.Proposal("出国本", PASSPORT.code, PASSPORT.name, 4, 0.8)]


def test_an_accepted_proposal_is_an_alias_and_is_not_proposed_again(database: Database) -> None:
    record_opened(database, "出国本", PASSPORT.code, 3)
    with database.writing() as connection:
        assert use.accept(connection, "出国本", PASSPORT.code, key=exact_key).aliases == ["出国本"]
    with database.reading() as connection:
        assert lookups.items(connection, [PASSPORT.code])[0].aliases == ["出国本"]
        assert use.proposals(connection, key=exact_key) == []
    with database.writing() as connection, pytest.raises(use.ProposalMissingError, match="banshi use proposals"):
        use.accept(connection, "出国本", PASSPORT.code, key=exact_key)


def test_a_dismissed_proposal_stays_dismissed_however_often_people_say_it(database: Database) -> None:
    record_opened(database, "出国本", PASSPORT.code, 3)
    with database.writing() as connection:
        use.dismiss(connection, "出国本", PASSPORT.code, key=exact_key)
    record_opened(database, "出国本", PASSPORT.code, 3)
    with database.reading() as connection:
        assert use.proposals(connection, key=exact_key) == []
        assert lookups.items(connection, [PASSPORT.code])[0].aliases == []


@pytest.mark.parametrize(("query", "code"), [("出国本", CARD.code), ("没人说过", PASSPORT.code)])
def test_what_is_not_proposed_can_be_neither_accepted_nor_dismissed(database: Database, query: str, code: str) -> None:
    record_opened(database, "出国本", PASSPORT.code, 3)
    for decide in (use.accept, use.dismiss):
        with database.writing() as connection, pytest.raises(use.ProposalMissingError):
            decide(connection, query, code, key=exact_key)
