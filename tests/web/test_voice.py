"""Speaking to the site: the WebSocket, recordings sent, and the page that shows what was heard."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import jsonschema
import pytest
import simple_websocket
from flask import Flask
from structlog.testing import capture_logs
from werkzeug.serving import make_server

import web.voice_stream
from banshi.logs import configure_logging
from banshi.server import web_context
from banshi.settings import Settings
from search.request import MAX_HYPOTHESES, Hypothesis
from tests.chromium import Quiet
from tests.listener import BUSY, LOST_CARD, UNREADABLE, Listener
from tests.listener import heard as was_heard
from tests.waiting import eventually
from tests.web.conftest import ID_CARD, close_site, indexed_folder, open_site
from tests.web.linting import LintingClient, text_of
from voice.audio import MAX_BYTES, AudioError
from voice.model_store import ModelError
from web.app import create_app

BLOCK = b"\x01\x00" * 1600
NOTHING = {
    "speech": "没有听懂",
    "silence": "没有听到声音",
    "quiet": "声音太小",
    "noise": "只听到杂音",
}
HEARD_QUERY = urlencode(
    [("q", "身份证丢了"), ("heard", "1:身份证丢了"), ("heard", "0.3:身份证掉了"), ("heard", "0.1:身份证丢啦")]
)


@pytest.fixture(scope="module")
def listening_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The site of these tests, with someone who listens: ``listener``."""
    configure_logging("text")
    settings = Settings(data=indexed_folder(tmp_path_factory.mktemp("voice")), public_url="http://banshi.example")
    app = create_app(replace(web_context(settings), voice=Listener()))
    app.test_client_class = LintingClient
    yield app
    close_site(app)


@pytest.fixture
def listener(listening_site: Flask) -> Iterator[Listener]:
    """New for every test; nothing that was begun may be left when it ends."""
    found = Listener()
    context = listening_site.extensions["banshi"]
    listening_site.extensions["banshi"] = replace(context, voice=found)
    yield found
    assert eventually(lambda: found.open_streams == 0)


@pytest.fixture
def speaker(listening_site: Flask, listener: Listener) -> LintingClient:
    client = listening_site.test_client()
    assert isinstance(client, LintingClient)
    return client


@pytest.fixture(scope="module")
def address(listening_site: Flask) -> Iterator[str]:
    """Host and port of the site, served by threads; when it ends, none of them may be left."""
    before = set(threading.enumerate())
    server = make_server("127.0.0.1", 0, listening_site, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    others = [t for t in threading.enumerate() if t not in before and t.name != "use"]
    assert eventually(lambda: not any(t.is_alive() for t in others)), others


Connect = Callable[..., simple_websocket.Client]


@pytest.fixture
def connect(address: str, listener: Listener) -> Iterator[Connect]:
    """Connects to the stream, with filters and headers."""
    opened: list[simple_websocket.Client] = []

    def make(query: str = "", **headers: str) -> simple_websocket.Client:
        client = simple_websocket.Client.connect(f"ws://{address}/api/v1/voice/stream{query}", headers=headers)
        opened.append(client)
        return client

    yield make
    for client in opened:
        if client.connected:
            client.close()
        client.thread.join(10)


def messages(client: simple_websocket.Client) -> list[dict[str, Any]]:
    """All that the server still says, until it closes."""
    found = []
    while True:
        try:
            text = client.receive(timeout=20)
        except simple_websocket.ConnectionClosed:
            return found
        assert text is not None, "the server went silent"
        found.append(json.loads(text))


def say(client: simple_websocket.Client, *, blocks: int = 3) -> None:
    for _ in range(blocks):
        client.send(BLOCK)


# The WebSocket


def test_what_is_said_is_shown_while_it_is_said_and_leads_to_its_results(
    connect: Connect, speaker: LintingClient
) -> None:
    client = connect("?division=230102&sort=visits")
    say(client)
    client.send(json.dumps({"type": "stop"}))
    ready, *progress, heard = messages(client)
    assert ready == {"type": "ready", "rate": 16000, "seconds": 15}
    assert {(p["type"], p["level"]) for p in progress} == {("progress", 0.5)}
    assert list(dict.fromkeys(p["text"] for p in progress)) == ["", "身"]
    assert heard["type"] == "heard"
    assert heard["text"] == "身份证丢了"
    assert heard["alternatives"] == [{"text": h.text, "weight": h.weight} for h in LOST_CARD[1:]]
    assert (heard["condition"], heard["clipped"], heard["message"]) == ("speech", False, None)
    query = parse_qs(urlsplit(heard["url"]).query)
    assert query == {
        "q": ["身份证丢了"],
        "division": ["230102"],
        "sort": ["visits"],
        "heard": ["1:身份证丢了", "0.3:身份证掉了", "0.1:身份证丢啦"],
    }
    assert text_of(speaker.page(heard["url"]).one("li", "card")).startswith(ID_CARD.name)


def test_the_server_stops_by_itself_when_the_person_has_stopped(connect: Connect, listener: Listener) -> None:
    listener.over_after = 2 * len(BLOCK)
    client = connect()
    say(client, blocks=2)
    assert [message["type"] for message in messages(client)] == ["ready", "progress", "progress", "heard"]


def test_a_model_that_must_be_loaded_first_is_announced(connect: Connect, listener: Listener) -> None:
    listener.is_loaded = False
    client = connect()
    client.send('{"type": "stop"}')
    assert [message["type"] for message in messages(client)] == ["loading", "ready", "heard"]


@pytest.mark.parametrize("condition", NOTHING)
def test_nothing_understood_leads_nowhere_and_says_why(connect: Connect, listener: Listener, condition: Any) -> None:
    listener.heard = was_heard(condition=condition)
    client = connect()
    client.send('{"type": "stop"}')
    said = messages(client)[-1]
    assert (said["type"], said["text"], said["url"], said["condition"]) == ("heard", "", None, condition)
    assert NOTHING[condition] in said["message"]


def test_too_loud_to_be_understood_says_so(connect: Connect, listener: Listener) -> None:
    listener.heard = was_heard(clipped=True)
    client = connect()
    client.send('{"type": "stop"}')
    assert "离话筒远一点" in messages(client)[-1]["message"]


def test_cancelled_nothing_is_answered(connect: Connect, listener: Listener) -> None:
    client = connect()
    say(client)
    client.send('{"type": "cancel"}')
    assert messages(client)[-1]["type"] == "progress"
    assert listener.finished == 0


def test_blocks_of_any_length_are_passed_on_whole(connect: Connect, listener: Listener) -> None:
    sound = bytes(range(1, 252))
    client = connect()
    for start in range(0, len(sound), 7):
        client.send(sound[start : start + 7])
    client.send(b"")
    client.send('{"type": "stop"}')
    assert messages(client)[-1]["type"] == "heard"
    assert listener.received == sound


@pytest.mark.parametrize(
    "text",
    ["", "garbage", "null", "[]", '{"type": "config", "model": "/etc"}', '{"type": []}', "{" * 5000, "[" * 50_000],
)
def test_a_text_that_is_no_message_ends_it_with_a_reason(connect: Connect, text: str) -> None:
    client = connect()
    client.send(text)
    assert messages(client)[-1]["code"] == "bad_message"


def test_a_message_too_large_ends_it(connect: Connect) -> None:
    client = connect()
    assert json.loads(client.receive(timeout=20))["type"] == "ready"
    client.send(b"\x00" * (web.voice_stream.MAX_MESSAGE_BYTES + 1))
    assert messages(client) == []
    assert client.close_reason == 1009


def test_when_too_many_speak_the_next_is_told_so_and_may_come_again(connect: Connect, listener: Listener) -> None:
    speaking = [connect(), connect()]
    assert eventually(lambda: listener.open_streams == 2)
    (refusal,) = messages(connect())
    assert (refusal["type"], refusal["code"], refusal["message"]) == ("error", BUSY.code, str(BUSY))
    speaking[0].send('{"type": "cancel"}')
    assert eventually(lambda: listener.open_streams == 1)
    client = connect()
    client.send('{"type": "stop"}')
    assert messages(client)[-1]["type"] == "heard"


def test_without_a_model_the_reason_is_told(connect: Connect, listener: Listener) -> None:
    listener.error = ModelError("no_model", "语音模型没有装好，请打字。")
    (refusal,) = messages(connect())
    assert refusal == {"type": "error", "code": "no_model", "message": "语音模型没有装好，请打字。"}


def test_an_error_while_listening_is_told_without_a_word_of_what_was_said(connect: Connect, listener: Listener) -> None:
    listener.error_while_listening = RuntimeError("decoding 身份证秘密")
    with capture_logs() as lines:
        client = connect()
        say(client, blocks=1)
        refusal = messages(client)[-1]
    assert (refusal["type"], refusal["code"]) == ("error", "internal")
    assert [line["error"] for line in lines] == ["RuntimeError"]
    assert "秘密" not in repr(lines)


def test_one_who_sends_nothing_is_answered_with_what_there_is(
    connect: Connect, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.voice_stream, "_STALL_SECONDS", 0.6)
    client = connect()
    say(client, blocks=1)
    assert messages(client)[-1]["type"] == "heard"


def test_one_who_never_ends_is_ended(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.voice_stream, "_WHOLE_SECONDS", 0.6)
    client = connect()
    deadline = time.monotonic() + 20
    while client.connected and time.monotonic() < deadline:
        client.send(b"\x00\x00")
        time.sleep(0.05)
    assert messages(client)[-1]["type"] == "heard"


def test_a_worker_that_is_stopping_lets_nobody_go_on(
    connect: Connect, listening_site: Flask, listener: Listener
) -> None:
    client = connect()
    assert eventually(lambda: listener.open_streams == 1)
    context = listening_site.extensions["banshi"]
    listening_site.extensions["banshi"] = replace(context, is_stopping=lambda: True)
    try:
        assert messages(client)[-1]["type"] == "heard"
    finally:
        listening_site.extensions["banshi"] = context


@pytest.mark.parametrize("reset", [True, False])
def test_one_who_vanishes_leaves_nothing_behind(address: str, listener: Listener, reset: bool) -> None:
    with closing(raw_connection(address)) as connection:
        assert eventually(lambda: listener.open_streams == 1)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert eventually(lambda: listener.open_streams == 0)


def test_one_who_does_not_close_is_hung_up_on(address: str, listener: Listener) -> None:
    """Their machine may be gone without a word; the thread that waits for them must end all the same."""
    with closing(raw_connection(address)) as connection:
        connection.sendall(frame(b'{"type": "stop"}', opcode=1))
        connection.settimeout(20)
        while connection.recv(65536):
            pass
        assert eventually(lambda: not [t for t in threading.enumerate() if "simple_websocket" in t.name])


@pytest.mark.parametrize("rubbish", [b"\xff" * 500, b"\x82\x05hello", b"\x81\xfe\xff\xff", b"\x00" * 100], ids=range(4))
def test_bytes_that_are_no_frames_end_it(address: str, listener: Listener, rubbish: bytes) -> None:
    with closing(raw_connection(address)) as connection:
        assert eventually(lambda: listener.open_streams == 1)
        connection.sendall(rubbish)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(20)
        while connection.recv(65536):
            pass


def test_one_who_sends_faster_than_anyone_speaks_is_cut_off(
    address: str, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits has a limit, so that nobody fills the memory while a model is loaded or a block is decoded."""
    loaded = threading.Event()
    really_open = Listener.open

    def open_slowly(self: Listener) -> Any:
        loaded.wait(20)
        return really_open(self)

    monkeypatch.setattr(Listener, "open", open_slowly)
    block = frame(b"\x00" * 32_000, opcode=2)
    sent = 0
    with closing(raw_connection(address)) as connection:
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            while sent < 500_000_000:
                connection.sendall(block)
                sent += len(block)
    loaded.set()
    assert eventually(lambda: not [t for t in threading.enumerate() if "simple_websocket" in t.name])
    assert listener.received == b""


HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Extensions": "permessage-deflate",
}


def raw_connection(address: str) -> socket.socket:
    """A connection after the handshake of a WebSocket, without a library that behaves."""
    connection, answer = shaken_hands(address, HANDSHAKE)
    assert " 101 " in answer
    assert "permessage-deflate" not in answer, "a few bytes could unfold to megabytes"
    return connection


def shaken_hands(address: str, headers: dict[str, str]) -> tuple[socket.socket, str]:
    """A connection, and the head of the answer to these headers."""
    host, _, port = address.partition(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    lines = ["GET /api/v1/voice/stream HTTP/1.1", f"Host: {address}", *(f"{k}: {v}" for k, v in headers.items())]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(1)
        if not part:
            break
        answer += part
    return connection, answer.decode()


def status_of(address: str, **headers: str) -> int:
    """The status of the answer to a handshake with these headers."""
    connection, answer = shaken_hands(address, {**HANDSHAKE, **headers})
    connection.close()
    return int(answer.split()[1])


def frame(payload: bytes, *, opcode: int) -> bytes:
    """A masked frame with a mask of zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
    return bytes([0x80 | opcode]) + length + b"\x00" * 4 + payload


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://banshi.example.evil.example"]
)
def test_a_page_of_another_site_may_not_listen(address: str, listener: Listener, origin: str) -> None:
    assert status_of(address, Origin=origin) == 403


def test_a_page_of_this_site_may(address: str, listener: Listener) -> None:
    for origin in (f"http://{address}", f"https://{address}", "http://banshi.example"):
        assert status_of(address, Origin=origin) == 101


def test_what_is_no_websocket_is_refused_in_words(address: str, speaker: LintingClient, listener: Listener) -> None:
    assert speaker.get("/api/v1/voice/stream").status_code == 400
    assert status_of(address, **{"Sec-WebSocket-Version": "1"}) == 400
    assert listener.open_streams == 0


# The server that runs in a deployment


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process, and its host and port: one worker of Gunicorn."""
    folder = indexed_folder(tmp_path_factory.mktemp("deployed"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    counters = folder / "metrics"
    counters.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.web.voice_server", str(folder), str(port)],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(counters)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert eventually(lambda: is_served(port), 60)
        yield process, f"127.0.0.1:{port}"
        process.kill()


def is_served(port: int) -> bool:
    """Whether a worker answers. The port takes connections before there is one."""
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
    return False


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def threads(process: subprocess.Popen[bytes]) -> int:
    """How many threads the only worker has."""
    (worker,) = workers(process)
    return len(list(Path(f"/proc/{worker}/task").iterdir()))


def test_deployed_it_answers_and_keeps_no_thread_of_those_who_left_or_vanished(
    deployed: tuple[subprocess.Popen[bytes], str],
) -> None:
    process, address = deployed
    url = f"ws://{address}/api/v1/voice/stream"
    # A thread for each request that may be answered at once, and no more, however many came.
    most = threads(process) + Settings().threads
    for _ in range(3):
        for number in range(8):
            client = simple_websocket.Client.connect(url)
            say(client, blocks=5)
            client.send("garbage" if number % 2 else '{"type": "stop"}')
            assert messages(client)[-1]["type"] == ("error" if number % 2 else "heard")
            client.thread.join(10)
            raw_connection(address).close()
        silent = [raw_connection(address) for _ in range(4)]
        for connection in silent:
            connection.sendall(frame(b'{"type": "stop"}', opcode=1))
            connection.settimeout(20)
            while connection.recv(65536):
                pass
            connection.close()
    assert eventually(lambda: threads(process) <= most), threads(process)


def test_deployed_it_stops_although_someone_is_speaking(deployed: tuple[subprocess.Popen[bytes], str]) -> None:
    process, address = deployed
    client = simple_websocket.Client.connect(f"ws://{address}/api/v1/voice/stream")
    say(client)
    (worker,) = workers(process)
    process.terminate()
    assert messages(client)[-1]["type"] == "heard", "what was said until then"
    client.thread.join(10)
    assert process.wait(20) == 0
    assert not Path(f"/proc/{worker}").exists()


# Recordings


def send(client: LintingClient, address: str = "/api/v1/voice", **form: str) -> Any:
    return client.post(address, data={"audio": (io.BytesIO(b"RIFFsound"), "q.wav"), **form})


def test_a_recording_is_answered_with_what_was_heard_and_its_results(
    speaker: LintingClient, listener: Listener
) -> None:
    answer = send(speaker, "/api/v1/voice?division=230102").get_json()
    assert listener.received == b"RIFFsound"
    assert answer["heard"] == {
        "text": "身份证丢了",
        "alternatives": [{"text": h.text, "weight": h.weight} for h in LOST_CARD[1:]],
        "condition": "speech",
        "clipped": False,
        "seconds": 1.5,
    }
    assert answer["search"]["query"] == "身份证丢了"
    assert answer["search"]["results"][0]["division"] == "230102"
    assert answer["message"] is None
    assert speaker.page(answer["url"]).all("li", "card")


def test_the_filters_may_be_fields_of_the_form(speaker: LintingClient) -> None:
    answer = send(speaker, division="南岗区", size="1").get_json()
    assert answer["search"]["results"][0]["division"] == "230103"
    assert answer["search"]["size"] == 1


@pytest.mark.parametrize("kind", ["audio/wav", "audio/webm;codecs=opus", "video/webm", "application/octet-stream"])
def test_a_recording_may_be_the_whole_body(speaker: LintingClient, listener: Listener, kind: str) -> None:
    answer = speaker.post("/api/v1/voice?division=道里区", data=b"OggS", content_type=kind)
    assert answer.status_code == 200
    assert listener.received == b"OggS"


@pytest.mark.parametrize("condition", NOTHING)
def test_a_recording_in_which_nothing_is_understood(speaker: LintingClient, listener: Listener, condition: Any) -> None:
    listener.heard = was_heard(condition=condition)
    answer = send(speaker).get_json()
    assert (answer["search"], answer["url"], answer["heard"]["text"]) == (None, None, "")
    assert NOTHING[condition] in answer["message"]


ERRORS = [
    (UNREADABLE, 415, "audio"),
    (AudioError("audio_too_large", "录音太大了。"), 413, "audio"),
    (AudioError("audio_empty", "录音是空的。"), 422, "audio"),
    (BUSY, 503, None),
    (ModelError("no_model", "语音模型没有装好，请打字。"), 503, None),
]


@pytest.mark.parametrize(("error", "status", "field"), ERRORS, ids=lambda value: getattr(value, "code", None))
def test_a_recording_refused_says_why(
    speaker: LintingClient, listener: Listener, error: Any, status: int, field: str | None
) -> None:
    listener.error = error
    response = send(speaker)
    assert response.status_code == status
    assert response.get_json() == {"error": {"code": error.code, "message": str(error), "field": field}}
    assert ("Retry-After" in response.headers) == (error is BUSY)
    response = send(speaker, "/voice", division="230102")
    assert response.status_code == status
    assert str(error) in response.text
    assert 'value="230102"' in response.text, "the district chosen is kept"


FORM = "multipart/form-data; boundary=limit"


def form_with(recording: bytes) -> bytes:
    """A form with a recording, as a browser sends it."""
    head = b'--limit\r\nContent-Disposition: form-data; name="audio"; filename="q.wav"\r\n\r\n'
    return head + recording + b"\r\n--limit--\r\n"


@pytest.mark.parametrize("address", ["/api/v1/voice", "/voice"])
def test_a_recording_much_too_large_is_refused_before_it_is_heard(
    speaker: LintingClient, listener: Listener, address: str
) -> None:
    response = speaker.post(address, data=form_with(b"\x00" * (MAX_BYTES + 100_000)), content_type=FORM)
    assert response.status_code == 413
    assert "最多 5 MB" in response.text
    assert listener.received == b""


def test_a_recording_of_a_few_megabytes_never_touches_a_disk(
    speaker: LintingClient, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> None:
        raise AssertionError("a file was made")

    monkeypatch.setattr("tempfile._mkstemp_inner", refuse)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", refuse)
    response = speaker.post("/api/v1/voice", data=form_with(b"\x01" * 3_000_000), content_type=FORM)
    assert response.status_code == 200
    assert len(listener.received) == 3_000_000


@pytest.mark.parametrize(
    ("data", "kind"),
    [(None, None), (b"", "audio/wav"), (b"x=1", "application/x-www-form-urlencoded"), (b"{}", "application/json")],
    ids=range(4),
)
def test_without_a_recording_there_is_nothing_to_hear(speaker: LintingClient, data: Any, kind: Any) -> None:
    response = speaker.post("/api/v1/voice", data=data, content_type=kind)
    assert response.status_code in (400, 422)
    assert response.status_code == 400 or response.get_json()["error"]["code"] == "audio_empty"


@pytest.mark.parametrize("parameter", ["q=x", "heard=1:x", "divsion=x", "page=x", "applicant=alien", "division=火星"])
def test_parameters_are_checked_as_in_a_search(speaker: LintingClient, parameter: str) -> None:
    response = send(speaker, f"/api/v1/voice?{parameter}")
    assert response.status_code == 400
    assert response.get_json()["error"]["field"] in ("q", "heard", "divsion", "page", "applicant", "division")


def test_answers_to_recordings_obey_their_description(speaker: LintingClient, listener: Listener) -> None:
    description = speaker.json("/api/v1/openapi.json")
    responses = description["paths"]["/api/v1/voice"]["post"]["responses"]
    answers = [send(speaker)]
    listener.heard = was_heard(condition="noise")
    answers.append(send(speaker))
    for listener.error in [error for error, _status, _field in ERRORS]:
        answers.append(send(speaker))
    for answer in answers:
        schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**schema, "components": description["components"]}).validate(answer.get_json())


def test_the_form_sends_a_recording_to_its_results(speaker: LintingClient) -> None:
    page = speaker.page("/voice?division=230102")
    form = page.one("form", "upload")
    assert (form.get("method"), form.get("enctype")) == ("post", "multipart/form-data")
    assert page.by_id("audio").get("accept") == "audio/*"
    response = send(speaker, form.get("action", ""), division=page.values("division", form)[0])
    assert response.status_code == 303
    assert dict(parse_qsl(urlsplit(response.location).query))["division"] == "230102"
    assert speaker.page(response.location).one("section", "heard") is not None


def test_a_form_of_another_site_is_refused(speaker: LintingClient, listener: Listener) -> None:
    data = {"audio": (io.BytesIO(b"RIFF"), "q.wav")}
    assert speaker.post("/voice", data=data, headers={"Origin": "http://evil.example"}).status_code == 403
    assert listener.received == b""


def test_a_form_without_anything_understood_says_so(speaker: LintingClient, listener: Listener) -> None:
    listener.heard = was_heard(condition="silence")
    response = send(speaker, "/voice")
    assert response.status_code == 422
    assert NOTHING["silence"] in response.text


def test_switched_off_there_is_no_voice_anywhere(tmp_path: Path) -> None:
    site = open_site(indexed_folder(tmp_path), voice=False)
    client = site.test_client()
    assert isinstance(client, LintingClient)
    assert "data-voice" not in client.get("/").text
    client.page("/voice", 404)
    assert client.post("/voice").status_code == 404
    assert client.post("/api/v1/voice").status_code == 404
    close_site(site)


def test_switched_on_every_search_box_has_it(speaker: LintingClient) -> None:
    for path, status in (("/", 200), ("/search?q=身份证", 200), ("/divisions/230102", 200), ("/nowhere", 404)):
        (link,) = [a for a in speaker.page(path, status).all("a") if a.get("data-voice")]
        assert text_of(link) == "上传录音"
        assert link.get("href", "").startswith("/voice")


# The results page with what was heard


def test_what_was_heard_stands_above_the_results_with_the_alternatives(client: LintingClient) -> None:
    page = client.page(f"/search?{HEARD_QUERY}&division=230102")
    heard = page.one("section", "heard")
    (status,) = [e for e in heard.iter() if e.get("role") == "status"]
    assert text_of(status) == "听到的是“身份证丢了”，找到1项"
    assert page.values("q", page.one("form", "search-form")) == ["身份证丢了"]
    others = page.links(heard)
    assert list(others) == ["身份证掉了", "身份证丢啦"]
    assert parse_qs(urlsplit(others["身份证掉了"]).query) == {"q": ["身份证掉了"], "division": ["230102"]}
    assert "不对？" in text_of(heard)


def test_what_was_heard_is_forgotten_when_the_words_are_edited(client: LintingClient) -> None:
    page = client.page(f"/search?{HEARD_QUERY}")
    assert page.values("heard", page.one("form", "search-form")) == []
    assert not client.page("/search?q=身份证丢了").all("section", "heard")


def test_the_next_pages_keep_what_was_heard_and_filters_leave_it_behind(client: LintingClient) -> None:
    heard = urlencode([("q", "行业许可"), ("heard", "0.9:行业许可"), ("heard", "0.1:行业许客")])
    page = client.page(f"/search?{heard}&size=5")
    last = [link.get("href") for link in page.all("a", "page")][-1]
    assert parse_qs(urlsplit(last).query)["heard"] == ["0.9:行业许可", "0.1:行业许客"]
    assert client.page(last).all("section", "heard")
    assert page.values("heard", page.one("form", "facet-form")) == []
    assert page.values("q", page.one("form", "facet-form")) == page.values("q", page.one("form", "search-form"))


def test_a_filter_said_and_taken_off_is_not_heard_again(client: LintingClient) -> None:
    heard = urlencode([("q", "道里区办护照"), ("heard", "0.9:道里区办护照"), ("heard", "0.1:道里区搬护照")])
    page = client.page(f"/search?{heard}")
    assert "heard" not in page.one("a", "chip", page.one("ul", "chips")).get("href", "")
    assert page.values("heard", page.one("form", "facet-form")) == []


BAD = [
    "身份证",
    "x:身份证",
    "0:身份证",
    "1.5:身份证",
    "-1:身份证",
    "nan:身份证",
    "inf:身份证",
    "0.5:",
    "0.5:" + "长" * 201,
]


@pytest.mark.parametrize("heard", BAD)
def test_what_cannot_have_been_heard_is_refused_in_words(client: LintingClient, heard: str) -> None:
    query = f"q=身份证&heard={quote(heard)}"
    error = client.json(f"/api/v1/search?{query}", 400)["error"]
    assert (error["code"], error["field"]) == ("invalid_heard", "heard")
    assert "权重:文字" in error["message"]
    assert error["message"] in client.page(f"/search?{query}", 400).text


def test_there_is_a_limit_to_readings(client: LintingClient) -> None:
    client.json("/api/v1/search?q=身份证" + "&heard=0.1:身份证" * MAX_HYPOTHESES)
    error = client.json("/api/v1/search?q=身份证" + "&heard=0.1:身份证" * (MAX_HYPOTHESES + 1), 400)["error"]
    assert f"最多 {MAX_HYPOTHESES} 种" in error["message"]


def test_where_another_reading_is_answered_the_likeliest_can_be_chosen_all_the_same(client: LintingClient) -> None:
    readings = urlencode([("q", "飞船"), ("heard", "1:飞船"), ("heard", "0.5:身份证丢了")])
    page = client.page(f"/search?{readings}&division=230102")
    assert page.values("q", page.one("form", "search-form")) == ["身份证丢了"]
    others = page.links(page.one("section", "heard"))
    assert parse_qs(urlsplit(others["飞船"]).query) == {"q": ["飞船"], "division": ["230102"]}


def test_a_filter_of_another_reading_can_be_taken_off(client: LintingClient) -> None:
    """Without it the words are the likeliest reading again, which alone may not bring the other one back."""
    readings = urlencode([("q", "飞船"), ("heard", "1:飞船"), ("heard", "0.5:道里区身份证丢了")])
    page = client.page(f"/search?{readings}")
    for chip in page.all("a", "chip", page.one("ul", "chips")):
        assert "heard" not in chip.get("href", "")


def test_a_text_with_colons_and_markup_is_one_reading(client: LintingClient) -> None:
    reading = '时间:地点<b>"&'
    page = client.page("/search?" + urlencode([("q", "身份证"), ("heard", "0.6:身份证"), ("heard", f"0.4:{reading}")]))
    assert list(page.links(page.one("section", "heard"))) == [reading]


def test_readings_of_the_library_survive_an_address(listener: Listener, speaker: LintingClient) -> None:
    listener.heard = was_heard(Hypothesis("身份证丢了", 1.0), Hypothesis("身份证", 1e-7))
    page = speaker.page(send(speaker).get_json()["url"])
    assert list(page.links(page.one("section", "heard"))) == ["身份证"]


def test_what_was_said_is_noted_as_spoken(
    speaker: LintingClient, listening_site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[Any] = []
    monkeypatch.setattr(listening_site.extensions["banshi"].recorder, "put", lambda note: notes.append(note) or True)
    speaker.page(f"/search?{HEARD_QUERY}")
    assert [note.source for note in notes] == ["voice"]
