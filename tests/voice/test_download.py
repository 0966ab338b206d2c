"""A large file comes in pieces, from servers of every kind."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from voice.download import DownloadError, digest_of, fetch, published

CONTENT = b"0123456789" * 100_000
HALF = len(CONTENT) // 2


@dataclass
class Site:
    """What a server answers with. ``asked`` are the Range and If-Range of every request for the file."""

    files: dict[str, bytes]
    marks: dict[str, str] = field(default_factory=lambda: {"ETag": '"first"'})
    cut: int | None = None
    status: int | None = None
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = self.files[handler.path]
        wanted, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        self.asked.append((wanted, condition))
        status, start = 200, 0
        if wanted and condition in self.marks.values():
            status, start = 206, int(wanted.removeprefix("bytes=").removesuffix("-"))
        if self.status is not None and wanted:
            status, body = self.status, b""
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body[start:])))
        for name, value in self.marks.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body[start : self.cut])
        handler.close_connection = True


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site({"/file": CONTENT})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file.zip"


def interrupted(site: Site, target: Path) -> None:
    """A first run that gets half of the file."""
    site.cut = HALF
    with pytest.raises(DownloadError, match="再运行一次会接着下载"):
        fetch(f"{site.url}/file", target, len(CONTENT))
    site.cut = None


@pytest.mark.parametrize(
    ("marks", "condition"),
    [
        ({"ETag": '"strong"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, '"strong"'),
        ({"ETag": 'W/"weak"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, "Mon, 01 Jan 2024 00:00:00 GMT"),
    ],
    ids=["a strong tag", "a weak tag, and a date"],
)
def test_the_rest_is_asked_for_on_the_condition_that_the_file_is_the_same(site, target, marks, condition) -> None:
    site.marks = marks
    interrupted(site, target)
    fetch(f"{site.url}/file", target, len(CONTENT))
    assert site.asked == [(None, None), (f"bytes={HALF}-", condition)]
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["file.zip"]


def test_a_file_that_nothing_tells_from_another_is_fetched_anew(site: Site, target: Path) -> None:
    site.marks = {"ETag": 'W/"weak"'}
    interrupted(site, target)
    fetch(f"{site.url}/file", target, len(CONTENT))
    assert site.asked == [(None, None), (None, None)]
    assert target.read_bytes() == CONTENT


def test_a_file_that_came_through_before_is_not_fetched_again(site: Site, target: Path) -> None:
    target.write_bytes(CONTENT)
    fetch(f"{site.url}/file", target, len(CONTENT))
    assert site.asked == []


def test_a_piece_that_the_server_cannot_add_to_is_dropped_so_that_the_next_run_succeeds(site, target) -> None:
    interrupted(site, target)
    site.status = 416
    with pytest.raises(DownloadError, match="从头下载"):
        fetch(f"{site.url}/file", target, len(CONTENT))
    fetch(f"{site.url}/file", target, len(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_file_that_does_not_end_where_it_should_is_not_kept(site: Site, target: Path) -> None:
    with pytest.raises(DownloadError, match="所说的大"):
        fetch(f"{site.url}/file", target, HALF)
    assert not target.exists()
    assert not target.with_name("file.zip.part").exists()


@pytest.mark.parametrize(
    "listing", [b"<html>", b"[]", b'[{"name": "a-model"}]', b'{"name": 1}'], ids=["page", "empty", "no sum", "no list"]
)
def test_a_list_without_the_model_is_no_reason_to_trust_it(site: Site, listing: bytes) -> None:
    site.files["/model-list.json"] = listing
    with pytest.raises(DownloadError, match="没有 a-model 的校验值"):
        published(site.url, "a-model")


def test_the_list_gives_size_and_sum(site: Site, target: Path) -> None:
    entry = {"name": "a-model", "size": len(CONTENT), "md5": hashlib.md5(CONTENT).hexdigest().upper(), "url": "x"}
    site.files["/model-list.json"] = json.dumps([{"name": "other"}, entry]).encode()
    target.write_bytes(CONTENT)
    said = published(site.url, "a-model")
    assert (said.size, said.md5) == (len(CONTENT), digest_of(target, "md5"))
