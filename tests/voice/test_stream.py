"""Speaking over WebSocket to a real worker: the messages, and every way in which a stream can end."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from simple_websocket import Client, ConnectionClosed

from tests.voice.speaking import noise, silence, speak

SPOKEN = silence(0.3) + speak("身份证丢了怎么补办") + silence(0.3)
BLOCK = 3_200
WAIT_SECONDS = 30


@pytest.fixture
def address(served_sample: str) -> str:
    return f"{served_sample.replace('http', 'ws')}/api/v1/voice/stream"


@contextlib.contextmanager
def connected(address: str, **headers: str) -> Iterator[Client]:
    client = Client.connect(address, headers=headers)
    try:
        yield client
    finally:
        with contextlib.suppress(ConnectionClosed):
            client.close()


def answers(client: Client) -> Iterator[dict[str, Any]]:
    """Messages until the server closes."""
    deadline = time.monotonic() + WAIT_SECONDS
    with contextlib.suppress(ConnectionClosed):
        while time.monotonic() < deadline:
            message = client.receive(timeout=WAIT_SECONDS)
            if message is None:
                break
            yield json.loads(message)


def until(client: Client, kind: str) -> dict[str, Any]:
    return next(message for message in answers(client) if message["type"] == kind)


def spoken(address: str, pcm: bytes, *, stops: bool = True) -> dict[str, Any]:
    """What is heard of a whole query."""
    with connected(address) as client:
        until(client, "ready")
        with contextlib.suppress(ConnectionClosed, OSError):
            for start in range(0, len(pcm), BLOCK):
                client.send(pcm[start : start + BLOCK])
            if stops:
                client.send('{"type": "stop"}')
        return until(client, "heard")


def test_somebody_speaks_and_is_led_to_the_results(address: str) -> None:
    with connected(f"{address}?division=230102") as client:
        ready = until(client, "ready")
        assert (ready["rate"], ready["seconds"]) == (16_000, 15)
        for start in range(0, len(SPOKEN), BLOCK):
            client.send(SPOKEN[start : start + BLOCK])
        client.send('{"type": "stop"}')
        messages = list(answers_until_heard(client))
    texts = [message["text"] for message in messages if message["type"] == "progress"]
    assert "身份证" in texts[-1]
    assert all(0 <= message["level"] <= 1 for message in messages if message["type"] == "progress")
    heard = messages[-1]
    assert heard["condition"] == "speech"
    assert f"q={quote(heard['text'])}" in heard["url"]
    assert "division=230102" in heard["url"]
    assert all(set(each) == {"text", "weight"} for each in heard["alternatives"])


def answers_until_heard(client: Client) -> Iterator[dict[str, Any]]:
    for message in answers(client):
        yield message
        if message["type"] == "heard":
            return


def test_a_query_ends_by_itself_when_nobody_speaks_any_more(address: str) -> None:
    assert "身份证" in spoken(address, SPOKEN + silence(2), stops=False)["text"]


def test_silence_and_noise_are_answered_with_advice(address: str) -> None:
    for sound, said in ((silence(1), "静音"), (noise(1, "pink"), "杂音")):
        heard = spoken(address, sound)
        assert (heard["text"], heard["url"]) == ("", None)
        assert said in heard["message"]


@pytest.mark.parametrize(
    "nonsense", ["", "{", "[]", '"stop"', '{"type": 3}', '{"type": "model", "path": "/etc"}', "😀"]
)
def test_what_is_no_message_of_ours_ends_it(address: str, nonsense: str) -> None:
    with connected(address) as client:
        until(client, "ready")
        client.send(nonsense)
        assert until(client, "error")["code"] == "bad_message"
    assert is_free(address)


def test_blocks_may_end_within_a_sample(address: str) -> None:
    with connected(address) as client:
        until(client, "ready")
        client.send(SPOKEN[:1])
        client.send(SPOKEN[1:BLOCK])
        for start in range(BLOCK, len(SPOKEN), BLOCK):
            client.send(SPOKEN[start : start + BLOCK])
        client.send('{"type": "stop"}')
        said = list(answers(client))
        assert "身份证" in said[-1].get("text", ""), said[-3:]


def test_another_sites_page_may_not_listen(address: str) -> None:
    target = urlsplit(address)
    handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "http://elsewhere.example"}
    with contextlib.closing(http.client.HTTPConnection(target.netloc, timeout=WAIT_SECONDS)) as connection:
        connection.request("GET", target.path, headers=handshake)
        assert connection.getresponse().status == 403
    # This client names the host without its port.
    with connected(address, Origin=f"http://{urlsplit(address).hostname}") as client:
        until(client, "ready")
        client.send('{"type": "cancel"}')


def test_who_is_one_too_many_is_told_so_and_gets_a_place_when_one_is_free(address: str) -> None:
    with connected(address) as first, connected(address) as second:
        until(first, "ready")
        until(second, "ready")
        with connected(address) as third:
            error = until(third, "error")
            assert error["code"] == "voice_busy"
            assert "打字" in error["message"]
        first.send('{"type": "cancel"}')
        assert is_free(address)


def is_free(address: str) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with connected(address) as client:
            kind = next(message["type"] for message in answers(client) if message["type"] != "loading")
            if kind == "ready":
                client.send('{"type": "cancel"}')
                return True
        time.sleep(0.2)
    return False


def vanish(client: Client) -> None:
    client.sock.shutdown(socket.SHUT_RDWR)


ENDS = {
    "cancels": lambda client: client.send('{"type": "cancel"}'),
    "closes": lambda client: client.close(),
    "vanishes": vanish,
    "sends too large a message": lambda client: client.send(bytes(100_000)),
    "breaks the protocol": lambda client: client.sock.sendall(b"\xff" * 64),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_however_a_client_ends_its_place_is_free_again(address: str, end: Any) -> None:
    for _time in range(3):
        assert is_free(address)
        with connected(address) as client, contextlib.suppress(ConnectionClosed, OSError):
            until(client, "ready")
            client.send(SPOKEN[: 4 * BLOCK])
            end(client)
    assert is_free(address)


def test_a_client_that_stalls_gets_what_was_heard_until_then(address: str) -> None:
    with connected(address) as client:
        until(client, "ready")
        client.send(SPOKEN[: BLOCK * 12])
        assert until(client, "heard")["text"]
    assert is_free(address)


def test_a_flood_is_cut_off(address: str) -> None:
    with connected(address) as client, contextlib.suppress(ConnectionClosed, OSError):
        until(client, "ready")
        for _time in range(3_000):
            client.send(SPOKEN[:BLOCK])
    assert is_free(address)
