"""What a site notes of searches and of what is opened after them; and that nobody waits for it or fails by it."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask

from guides import models, use
from guides.database import Database
from tests.web.conftest import (
    EVIL_GUIDE,
    ID_CARD,
    LOST_CARD,
    PASSPORT,
    PASSPORT_CITY,
    PERMITS,
    close_site,
    indexed_folder,
    open_site,
)
from tests.web.linting import LintingClient, Page
from web.recorder import Recorder

TOKEN = re.compile(r"[?&]from=([\w-]{12})\.(\d+)")


@pytest.fixture(scope="module")
def noting_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = open_site(indexed_folder(tmp_path_factory.mktemp("noting")))
    yield app
    close_site(app)


@pytest.fixture
def visitor(noting_site: Flask) -> LintingClient:
    """A visitor of a site that has noted nothing yet."""
    context = noting_site.extensions["banshi"]
    context.recorder.flush()
    with context.database.writing() as connection:
        connection.execute(sa.delete(models.SearchUse))
    found = noting_site.test_client()
    assert isinstance(found, LintingClient)
    return found


def noted(client: LintingClient) -> list[dict[str, Any]]:
    """Everything that the site has noted so far."""
    context = client.application.extensions["banshi"]
    assert context.recorder.flush()
    with context.database.reading() as connection:
        table = models.SearchUse.__table__
        return [dict(row) for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings()]


def card_links(page: Page) -> list[str]:
    """The addresses of the result cards."""
    return [page.all("a", inside=card)[0].get("href", "") for card in page.all("li", "card")]


def test_a_search_on_the_page_is_noted_without_its_place_in_the_words(visitor: LintingClient) -> None:
    visitor.page("/search?q=兆麟街道身份证丢了要多少钱&online=no")
    (row,) = noted(visitor)
    assert (row["query"], row["source"], row["engine"]) == ("身份证丢了", "page", "embedded")
    assert row["division_code"] == "230102", "a street is noted as its district"
    assert row["filters"] == {"aspect": "fee", "online": "no"}
    assert (row["total"] > 0, row["was_confident"]) == (True, True)
    assert (row["at"].minute, row["at"].second, row["at"].microsecond) == (0, 0, 0)


def test_a_search_of_a_program_is_noted_without_a_token(visitor: LintingClient) -> None:
    answer = visitor.json("/api/v1/search?q=身份证丢了&division=道里区&department=公安")
    assert answer["results"][0]["url"] == f"/guides/{LOST_CARD.code}"
    (row,) = noted(visitor)
    assert (row["query"], row["source"], row["token"], row["division_code"]) == ("身份证丢了", "api", None, "230102")
    assert row["filters"] == {"department": "公安"}


def test_a_search_for_nothing_there_is_noted_as_in_vain(visitor: LintingClient) -> None:
    visitor.page("/search?q=飞船")
    (row,) = noted(visitor)
    assert (row["total"], row["was_confident"], row["division_code"]) == (0, False, None)


def test_nothing_of_the_visitor_is_noted(visitor: LintingClient) -> None:
    visitor.get("/divisions/230102/choose")
    headers = {"User-Agent": "秘密浏览器", "X-Forwarded-For": "192.0.2.77", "Referer": "http://秘密.example/"}
    visitor.get("/search?q=身份证丢了", headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.78"})
    (row,) = noted(visitor)
    assert "192.0.2" not in repr(row)
    assert "秘密" not in repr(row)


@pytest.mark.parametrize(
    "words", ["身份证 230102199001011234", "身份证 １３８ ００１３ ８０００", "一三八零零一三八零零零身份证"]
)
def test_numbers_of_persons_are_counted_but_not_kept(visitor: LintingClient, words: str) -> None:
    visitor.page(f"/search?q={words}")
    visitor.json(f"/api/v1/search?q={words}")
    assert [(row["query"], row["source"]) for row in noted(visitor)] == [("", "page"), ("", "api")]


def test_a_theme_that_does_not_exist_is_not_noted(visitor: LintingClient) -> None:
    visitor.page("/search?q=身份证&theme=individual/090")
    visitor.page("/search?q=身份证&theme=秘密")
    assert [row["filters"] for row in noted(visitor)] == [{"theme": "individual/090"}, {}]


@pytest.mark.parametrize("address", ["/", "/search?theme=individual/090", "/search?q=", "/divisions/230102", "/themes"])
def test_browsing_is_not_noted(visitor: LintingClient, address: str) -> None:
    visitor.page(address)
    assert noted(visitor) == []


def test_what_nobody_reads_is_not_noted(visitor: LintingClient) -> None:
    visitor.head("/search?q=身份证")
    visitor.get("/search?q=身份证", headers={"Sec-Purpose": "prefetch;prerender"})
    assert noted(visitor) == []


def test_a_guide_opened_from_results_is_noted_once_with_its_rank(visitor: LintingClient) -> None:
    links = card_links(visitor.page("/search?q=护照&division=230100"))
    (token, rank) = TOKEN.findall(links[0])[0]
    assert rank == "1"
    assert visitor.page(links[0]).heading == PASSPORT.name
    visitor.page(f"/guides/{LOST_CARD.code}?from={token}.9")
    (row,) = noted(visitor)
    assert (row["opened_item"], row["opened_rank"], row["token"]) == (PASSPORT.code, 1, token)


def test_the_token_stands_before_the_anchor_and_beside_other_parameters(visitor: LintingClient) -> None:
    (fees,) = card_links(visitor.page("/search?q=身份证丢了要多少钱&division=230102"))
    assert re.fullmatch(rf"/guides/{LOST_CARD.code}\?from=[\w-]{{12}}\.1#fees", fees)
    asks = card_links(visitor.page("/search?q=身份证丢了"))[0]
    assert re.fullmatch(rf"/items/{ID_CARD.code}\?division=230100&from=[\w-]{{12}}\.1", asks)
    visitor.page(asks)
    rows = noted(visitor)
    assert [row["opened_item"] for row in rows] == [None, ID_CARD.code], "the page that asks for the district counts"


def test_a_redirect_hands_the_token_on(visitor: LintingClient) -> None:
    token = TOKEN.findall(card_links(visitor.page("/search?q=护照"))[0])[0][0]
    response = visitor.get(f"/items/{PASSPORT.code}?from={token}.1")
    assert response.location == f"/guides/{PASSPORT_CITY.code}?from={token}.1"
    visitor.get(response.location)
    assert noted(visitor)[0]["opened_item"] == PASSPORT.code


def test_what_is_offered_where_nothing_was_found_is_noted_when_opened(visitor: LintingClient) -> None:
    links = card_links(visitor.page("/search?q=普通护照&applicant=legal"))
    visitor.page(links[0])
    (row,) = noted(visitor)
    assert (row["total"], row["opened_item"], row["opened_rank"]) == (0, PASSPORT.code, 1)


def test_later_pages_belong_to_the_same_search(visitor: LintingClient) -> None:
    first = visitor.page("/search?q=行业许可")
    address = first.links(first.one("nav", "pages"))["第2页"]
    links = card_links(visitor.page(address))
    assert TOKEN.findall(links[0])[0][1] == "11"
    visitor.page(links[0])
    (row,) = noted(visitor)
    assert row["opened_rank"] == 11
    assert row["opened_item"] in {permit.code for permit in PERMITS}


def test_every_search_has_a_token_of_its_own(visitor: LintingClient) -> None:
    for _ in range(3):
        visitor.page("/search?q=护照")
    assert len({row["token"] for row in noted(visitor)}) == 3


def test_the_canonical_address_of_a_guide_has_no_parameter(visitor: LintingClient) -> None:
    for address in (card_links(visitor.page("/search?q=护照"))[0], f"/guides/{PASSPORT_CITY.code}?situation0=x"):
        page = visitor.page(address)
        (canonical,) = [link.get("href") for link in page.all("link") if link.get("rel") == "canonical"]
        assert canonical == f"/guides/{PASSPORT_CITY.code}"
        assert not TOKEN.search(" ".join(page.links().values())), "the token goes no further"


@pytest.mark.parametrize(
    "value",
    ["", "x", "abcdefghijkl", "abcdefghijkl.0", "abcdefghijkl.1", "abcdefghijkl.99999", "' OR 1=1 --.1", "a.b.c"],
)
def test_a_token_that_was_made_up_does_nothing(visitor: LintingClient, value: str) -> None:
    visitor.page("/search?q=护照")
    assert visitor.page(f"/guides/{EVIL_GUIDE.code}?from={value}")
    assert [row["opened_item"] for row in noted(visitor)] == [None]


def test_what_is_opened_is_suggested_before_what_is_not(tmp_path: Path) -> None:
    folder = indexed_folder(tmp_path)
    permits = "/api/v1/suggest?q=号行业许可"

    def first_suggested(client: LintingClient) -> str:
        return str(client.json(permits)["suggestions"][0]["item_code"])

    app = open_site(folder)
    visitor = app.test_client()
    assert isinstance(visitor, LintingClient)
    before = first_suggested(visitor)
    opened = next(permit for permit in PERMITS if permit.code != before and permit.name == "第22号行业许可")
    for _ in range(5):
        link = next(each for each in card_links(visitor.page(f"/search?q={opened.name}")) if TOKEN.search(each))
        assert visitor.page(link).heading == opened.name
    assert len([row for row in noted(visitor) if row["opened_item"] == opened.code]) == 5
    assert first_suggested(visitor) == before, "a process counts again only after some minutes"
    close_site(app)
    app = open_site(folder)
    client = app.test_client()
    assert isinstance(client, LintingClient)
    assert first_suggested(client) == opened.code
    close_site(app)


def test_where_it_is_switched_off_nothing_is_noted_and_no_link_has_a_token(tmp_path: Path) -> None:
    app = open_site(indexed_folder(tmp_path), use_log=False)
    client = app.test_client()
    assert isinstance(client, LintingClient)
    page = client.page("/search?q=护照&division=230102")
    assert not TOKEN.search(" ".join(page.links().values()))
    client.json("/api/v1/search?q=护照")
    client.page(f"/guides/{LOST_CARD.code}?from=abcdefghijkl.1")
    assert "匿名统计" not in client.page("/about").text
    database = app.extensions["banshi"].database
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(models.SearchUse)).scalar_one() == 0
    close_site(app)


def test_people_are_told_what_is_noted(visitor: LintingClient) -> None:
    assert "匿名统计大家搜索的话" in visitor.page("/about").text


def test_a_database_that_is_away_neither_breaks_nor_slows_a_search(tmp_path: Path) -> None:
    folder = indexed_folder(tmp_path)
    app = open_site(folder)
    client = app.test_client()
    assert isinstance(client, LintingClient)
    client.page("/search?q=护照")
    assert app.extensions["banshi"].recorder.flush()
    (folder / "banshi.db").rename(folder / "away.db")
    app.extensions["banshi"].database.close()
    (folder / "banshi.db").mkdir()
    started = time.monotonic()
    for _ in range(20):
        assert client.page("/search?q=护照").heading.startswith("找到")
        assert client.json("/api/v1/search?q=护照")["total"] == 1
    assert time.monotonic() - started < 20
    close_site(app)
    metrics = client.get("/metrics").get_data(as_text=True)
    assert sum(map(float, re.findall(r"banshi_use_unrecorded_total\{.*\} (.+)", metrics))) >= 40


def search(query: str, token: str | None = None) -> use.Search:
    return use.Search(datetime.datetime.now(datetime.UTC), query, None, {}, "page", 1, "embedded", token)


def queries(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(sa.select(models.SearchUse.query).order_by(models.SearchUse.id)).scalars())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'banshi.db'}")
    made.upgrade()
    yield made
    made.close()


def test_notes_are_written_within_seconds_without_being_asked_for(database: Database) -> None:
    recorder = Recorder(database)
    recorder.put(search("护照"))
    deadline = time.monotonic() + 10
    while not queries(database) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert queries(database) == ["护照"]
    recorder.close()


def test_what_waits_is_written_at_the_end_and_nothing_is_taken_after_it(database: Database) -> None:
    dropped: list[tuple[int, str]] = []
    recorder = Recorder(database, on_dropped=lambda *told: dropped.append(told))
    for number in range(250):
        assert recorder.put(search(f"第{number}"))
    recorder.close()
    assert queries(database) == [f"第{number}" for number in range(250)]
    assert not recorder.put(search("太晚"))
    assert dropped == [(1, "no_room")]


def test_an_opening_that_comes_before_its_search_is_matched_later(database: Database) -> None:
    """As with two workers: the one that served the guide may write before the one that searched."""
    guides_worker, search_worker = Recorder(database), Recorder(database)
    guides_worker.put(use.Opening("abcdefghijkl", ID_CARD.code, 2))
    guides_worker.flush()
    search_worker.put(search("身份证", token="abcdefghijkl"))
    search_worker.flush()
    deadline = time.monotonic() + 10
    opened = sa.select(models.SearchUse.opened_item)
    while time.monotonic() < deadline:
        with database.reading() as connection:
            if connection.execute(opened).scalars().all() == [ID_CARD.code]:
                break
        time.sleep(0.05)
    else:
        pytest.fail("the opening was not matched")
    guides_worker.close()
    search_worker.close()


def test_notes_wait_while_the_database_is_busy_and_what_finds_no_room_is_counted(database: Database) -> None:
    dropped: list[tuple[int, str]] = []
    recorder = Recorder(database, limit=5, on_dropped=lambda *told: dropped.append(told))
    with database.writing():
        recorder.put(search("先"))
        assert not recorder.flush(1.5), "the writer waits for the lock"
        kept = [recorder.put(search(f"第{number}")) for number in range(10)]
        assert 0 < kept.count(True) < 10
    assert recorder.flush(10)
    recorder.close()
    assert len(queries(database)) == 1 + kept.count(True)
    assert dropped == [(1, "no_room")] * kept.count(False)


def test_the_words_of_a_note_that_cannot_be_written_are_in_no_log(tmp_path: Path) -> None:
    away = Database(f"sqlite:///{tmp_path / 'no' / 'folder' / 'banshi.db'}")
    dropped: list[tuple[int, str]] = []
    recorder = Recorder(away, on_dropped=lambda *told: dropped.append(told))
    with structlog.testing.capture_logs() as lines:
        recorder.put(search("秘密"))
        time.sleep(1.2)
        recorder.close()
    away.close()
    assert dropped == [(1, "not_written")]
    assert [line["event"] for line in lines] == ["not recorded"]
    assert "秘密" not in repr(lines)
