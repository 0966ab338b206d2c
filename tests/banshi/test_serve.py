"""``banshi serve`` as a process: web workers and a follower that belong together, and end together."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from guides import models, use
from tests.banshi.conftest import ID_CARD, ID_CARD_GUIDE, Command, write_lines
from tests.banshi.server import (
    START_SECONDS,
    STOP_SECONDS,
    Server,
    arguments_of,
    descendants,
    is_running,
)
from tests.waiting import eventually

SEEN_SECONDS = 10
"""A change is findable within two seconds; a loaded machine is given more before it counts as lost."""


def started(prepared_folder: Path, folder: Path) -> Server:
    shutil.copytree(prepared_folder, folder)
    server = Server(folder)
    try:
        assert eventually(server.is_ready, START_SECONDS), server.log.read_text()
    except BaseException:
        server.stop()
        raise
    return server


@pytest.fixture(scope="module")
def server(prepared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running site. Tests may change its guides, each in its own words."""
    found = started(prepared_folder, tmp_path_factory.mktemp("serve") / "data")
    yield found
    found.stop()


def test_a_served_site_searches_and_shows_pages(server: Server) -> None:
    answer = server.search("道里区身份证丢了")
    assert answer["results"][0]["code"] == ID_CARD_GUIDE.code
    status, page = server.get("/")
    assert (status, "您要办什么事？" in page) == (200, True)
    status, page = server.get(answer["results"][0]["url"])
    assert (status, "示例路1号" in page) == (200, True)


def test_a_served_site_is_alive_and_ready(server: Server) -> None:
    status, body = server.get("/readyz")
    assert (status, json.loads(body)["status"]) == (200, "ready")
    status, body = server.get("/healthz")
    assert (status, json.loads(body)["status"]) == (200, "alive")


def test_it_listens_where_it_was_told_and_nowhere_else(server: Server) -> None:
    with pytest.raises(OSError), socket.create_connection(("127.0.0.2", server.port), timeout=2):
        pass


def test_what_is_imported_is_found_without_restarting_anything(server: Server) -> None:
    server.publish("居民身份证遗失补领")
    assert eventually(lambda: server.titles("身份证遗失补领") == ["居民身份证遗失补领"], SEEN_SECONDS)
    status, body = server.get("/readyz")
    assert (status, json.loads(body)["index_lag"]["changes"]) == (200, 0)


def test_a_withdrawn_guide_disappears_and_its_page_says_so(server: Server) -> None:
    other = next(code for code in codes(server, "护照"))
    path = server.banshi.folder / "withdraw.jsonl"
    shown = server.banshi("guides", "show", other, "--json").json
    write_lines(path, shown | {"status": "withdrawn"})
    assert server.banshi("guides", "import", path).exit_code == 0
    assert server.get(f"/guides/{other}")[0] == 410
    assert eventually(lambda: other not in codes(server, "护照"), SEEN_SECONDS)
    write_lines(path, shown)
    assert server.banshi("guides", "import", path).exit_code == 0
    assert eventually(lambda: other in codes(server, "护照"), SEEN_SECONDS)


def codes(server: Server, words: str) -> list[str]:
    return [result["code"] for result in server.search(words)["results"]]


def test_a_rebuild_is_taken_up_while_serving(server: Server) -> None:
    report = server.banshi("index", "rebuild", "--processes", "1", "--json").json
    assert eventually(lambda: report["name"] in server.get("/readyz")[1], SEEN_SECONDS)
    assert server.titles("身份证")
    server.publish("居民身份证重建之后补领")
    assert eventually(lambda: "居民身份证重建之后补领" in server.titles("身份证重建之后"), SEEN_SECONDS)


def test_a_follower_killed_is_started_again_and_nothing_is_lost(server: Server) -> None:
    assert eventually(server.follower, SEEN_SECONDS)
    killed = server.follower()
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    server.publish("居民身份证意外之后补领")
    assert server.get("/healthz")[0] == 200
    assert eventually(lambda: server.follower() not in (None, killed), SEEN_SECONDS)
    assert eventually(lambda: "居民身份证意外之后补领" in server.titles("身份证意外之后"), SEEN_SECONDS)


def test_a_worker_killed_is_replaced(server: Server) -> None:
    (worker,) = [pid for pid in descendants(server.process.pid) if is_worker(pid)]
    os.kill(worker, signal.SIGKILL)
    assert eventually(lambda: not is_running(worker) and server.is_ready(), START_SECONDS)
    assert server.search("身份证")["total"] == 1


def is_worker(pid: int) -> bool:
    """A web process that has no children of its own."""
    return "banshi.server" in arguments_of(pid) and not descendants(pid)


@pytest.mark.parametrize("characters", [800, 10_000])
def test_a_query_much_too_long_is_refused_at_the_door(server: Server, characters: int) -> None:
    status, body = server.get(f"/api/v1/search?q={quote('长' * characters)}")
    assert status in (400, 413, 414)
    assert "Traceback" not in body
    if characters == 800:
        assert json.loads(body)["error"]["code"] == "query_too_long"
    assert server.search("身份证")["total"] == 1


def test_bytes_that_are_no_request_do_no_harm(server: Server) -> None:
    for rubbish in (b"\x00\xff\xfe\r\n\r\n", b"GET /search?q=\xed\xa0\x80 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(rubbish)
            connection.shutdown(socket.SHUT_WR)
            received = connection.recv(65536)
        assert b"Traceback" not in received
    assert server.search("身份证")["total"] == 1


def test_what_people_look_for_is_not_in_the_log(server: Server) -> None:
    server.search("身份证秘密查询")
    server.get(f"/search?q={quote('身份证秘密查询')}&division=x")
    log = server.log.read_text()
    assert log, "the follower and the web server say that they run"
    assert "秘密" not in log
    assert quote("秘密") not in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_stop_ends_every_process(prepared_folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    server = started(prepared_folder, tmp_path / "data")
    try:
        assert eventually(server.follower, SEEN_SECONDS)
        processes = descendants(server.process.pid)
        assert len(processes) >= 3, "the web server, its worker and the follower"
        server.process.send_signal(number)
        assert server.process.wait(STOP_SECONDS) == 0
        assert eventually(lambda: not any(map(is_running, processes)), STOP_SECONDS)
        with pytest.raises(OSError):
            server.get("/healthz")
        assert "Traceback" not in server.log.read_text()
        assert server.banshi("search", ID_CARD.name, "--json").json["total"] == 1
    finally:
        server.stop()


def test_notes_of_use_outlive_a_stop_and_old_ones_are_forgotten(prepared_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(prepared_folder, folder)
    database = Command(folder).database()
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=181)
    with database.writing() as connection:
        use.record(connection, [use.Search(long_ago, "很久以前", None, {}, "page", 1, "embedded", None)])

    def queries() -> list[str]:
        with database.reading() as connection:
            return list(connection.execute(sa.select(models.SearchUse.query)).scalars())

    server = Server(folder)
    try:
        assert eventually(server.is_ready, START_SECONDS), server.log.read_text()
        assert eventually(lambda: queries() == [], SEEN_SECONDS)
        server.search("身份证丢了")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(STOP_SECONDS) == 0
        assert queries() == ["身份证丢了"]
    finally:
        server.stop()
        database.close()


def test_a_port_that_is_taken_ends_everything_with_a_reason(
    server: Server, tmp_path: Path, prepared_folder: Path
) -> None:
    second = Command(shutil.copytree(prepared_folder, tmp_path / "data"))
    outcome = second.process("serve", "--port", str(server.port))
    assert outcome.exit_code not in (0, 2)
    assert str(server.port) in outcome.stderr


def test_when_the_parent_is_killed_its_children_end_as_well(prepared_folder: Path, tmp_path: Path) -> None:
    server = started(prepared_folder, tmp_path / "orphans")
    try:
        children = descendants(server.process.pid)
        assert children
        server.process.kill()
        assert eventually(lambda: not any(map(is_running, children)), STOP_SECONDS)
    finally:
        server.stop()
