"""deploy/nginx.conf in a real nginx before stand-ins for the web machines."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.deploy.nginx import NAME, STRANGER, Site, answer_to, configured, free_port, running, web_machine

SECRET = quote("身份证丢了")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with web_machine() as machine, running(tmp_path_factory.mktemp("nginx"), machine) as found:
        yield found


def test_nginx_accepts_the_configuration_without_a_warning(tmp_path: Path) -> None:
    command = configured(tmp_path, free_port(), free_port(), 8000)
    ran = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "warn" not in ran.stderr


def test_whoever_comes_without_tls_is_sent_on(site: Site) -> None:
    answer = site.ask_plainly(f"/search?q={SECRET}")
    assert (answer.status, answer.headers["location"]) == (301, f"https://{NAME}/search?q={SECRET}")


def test_a_proof_for_a_certificate_is_given_without_tls(site: Site) -> None:
    proof = site.folder / ".well-known/acme-challenge/token"
    proof.parent.mkdir(parents=True)
    proof.write_text("proof")
    assert site.ask_plainly("/.well-known/acme-challenge/token").body == b"proof"


def test_browsers_are_told_to_come_with_tls_only(site: Site) -> None:
    assert site.ask("/").headers["strict-transport-security"] == "max-age=31536000"


def test_browsers_may_speak_http2(site: Site) -> None:
    context = ssl.create_default_context(cafile=str(site.folder / "fullchain.pem"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    site._trusted, before = context, site._trusted
    try:
        with site.connect() as connection:
            assert (connection.selected_alpn_protocol(), connection.version()) == ("h2", "TLSv1.3")
    finally:
        site._trusted = before


def test_banshi_is_told_who_came_and_how_whatever_they_say_of_themselves(site: Site) -> None:
    claims = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    headers = json.loads(site.ask("/", source=STRANGER, headers=claims).body)["headers"]
    assert headers["x-forwarded-for"] == STRANGER
    assert headers["x-forwarded-proto"] == "https"
    assert (headers["x-forwarded-host"], headers["host"]) == (NAME, NAME)


@pytest.mark.parametrize("page", ["metrics", "readyz"])
@pytest.mark.parametrize("form", ["/{}", "/{}/", "//{}", "/./{}", "/a/../{}", "/%{:02x}{}", "/{}?x", "/{}/more"])
def test_what_is_for_machines_that_watch_is_not_for_strangers(site: Site, page: str, form: str) -> None:
    path = form.format(ord(page[0]), page[1:]) if "%" in form else form.format(page)
    assert site.ask(path).status == 200
    assert site.ask(path, source=STRANGER).status == 403
    assert site.ask("/healthz", source=STRANGER).status == 200


def test_speech_gets_through_by_websocket(site: Site) -> None:
    handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    with site.connect() as connection:
        connection.sendall(f"GET /api/v1/voice/stream HTTP/1.1\r\nHost: {NAME}\r\n{handshake}\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"upgrade: websocket" in answer.lower()
        for spoken in (b"one", b"two"):
            connection.sendall(spoken)
            assert connection.recv(4096) == spoken


@pytest.mark.parametrize(
    ("path", "upgrade"), [("/", "websocket"), ("/search", "websocket"), ("/api/v1/voice/stream", "h2c")]
)
def test_nothing_else_is_upgraded(site: Site, path: str, upgrade: str) -> None:
    answer = site.ask(path, headers={"Connection": "Upgrade", "Upgrade": upgrade})
    headers = json.loads(answer.body)["headers"]
    assert (answer.status, headers.get("upgrade"), headers["connection"]) == (200, None, "close")


def test_text_is_compressed_and_kept_for_as_long_as_banshi_says(site: Site) -> None:
    answer = site.ask("/static/site.css?v=1", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len(answer.body) < 1000


def test_a_query_much_too_long_is_banshis_to_answer(site: Site) -> None:
    long = "a" * 20_000
    assert json.loads(site.ask(f"/search?q={long}").body)["path"] == f"/search?q={long}"


def test_a_recording_gets_through_and_anything_larger_does_not(site: Site) -> None:
    recording = b"\0" * 7_000_000
    assert json.loads(site.ask("/api/v1/voice", body=recording).body)["received"] == len(recording)
    answer = site.ask("/api/v1/voice", headers={"Content-Length": "9000000"}, body=b"")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(("path", "kind"), [("/search?q=", "text/html"), ("/api/v1/search?q=", "application/json")])
def test_a_machine_that_asks_without_pause_is_slowed_and_nobody_else(tmp_path: Path, path: str, kind: str) -> None:
    with web_machine() as machine, running(tmp_path, machine) as site:
        with site.visiting(STRANGER) as client:
            answers = [answer_to(client, path + SECRET) for _ in range(150)]
            refused = [answer for answer in answers if answer.status == 429]
            assert {answer.status for answer in answers[:60]} == {200}, (
                "a person with many suggestions is not a machine"
            )
            assert refused
            assert {a.headers["content-type"] for a in refused} == {f"{kind}; charset=utf-8"}
            assert {a.headers["retry-after"] for a in refused} == {"3"}
            if kind == "application/json":
                assert json.loads(refused[0].body)["error"]["code"] == "too_many_requests"
            assert {answer_to(client, "/guides/1").status for _ in range(80)} == {200}, "pages are not limited"
        assert site.ask(path + SECRET).status == 200


def test_what_banshi_says_of_its_own_trouble_gets_through(site: Site) -> None:
    answer = site.ask("/fails")
    assert (answer.status, json.loads(answer.body)["path"]) == (503, "/fails")


@pytest.mark.parametrize("fails", [True, False], ids=["not ready", "gone"])
def test_of_two_web_machines_one_may_fail(tmp_path: Path, fails: bool) -> None:
    with contextlib.ExitStack() as stack:
        failing = stack.enter_context(web_machine(fails=True)) if fails else free_port()
        other = stack.enter_context(web_machine())
        site = stack.enter_context(running(tmp_path, failing, other))
        answers = [site.ask("/search?q=a") for _ in range(12)]
    assert {answer.status for answer in answers} == {200}
    assert {json.loads(answer.body)["machine"] for answer in answers} == {other}


def test_two_web_machines_share_the_work(tmp_path: Path) -> None:
    with web_machine() as one, web_machine() as other, running(tmp_path, one, other) as site:
        assert {json.loads(site.ask("/").body)["machine"] for _ in range(6)} == {one, other}


def test_without_any_web_machine_people_and_programs_are_told_so(tmp_path: Path) -> None:
    with running(tmp_path, free_port()) as site:
        page, api = site.ask(f"/search?q={SECRET}"), site.ask("/api/v1/search?q=a")
        assert "请过几分钟再试" in page.body.decode()
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert json.loads(api.body)["error"]["code"] == "unavailable"
        assert {(a.status, a.headers["retry-after"]) for a in (page, api)} == {(503, "30")}
        assert SECRET not in site.logs()


def test_what_people_look_for_is_in_no_log(site: Site) -> None:
    referrer = {"Referer": f"https://{NAME}/search?q={SECRET}"}
    for path in (f"/search?q={SECRET}", f"/fails?q={SECRET}", f"/metrics?q={SECRET}"):
        site.ask(path, source=STRANGER, headers=referrer)
    site.ask_plainly(f"/search?q={SECRET}")
    logs = site.logs()
    assert "GET /search 200" in logs
    assert "GET /metrics 403" in logs
    assert SECRET not in logs
    assert "身份证" not in logs
