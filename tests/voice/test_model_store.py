"""Models come in whole or not at all: from a folder, a ZIP file, or a server that breaks off."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from voice.model_store import DEFAULT_MODEL, OFFICIAL_MODELS, ModelError, ModelStore

OFFICIAL = OFFICIAL_MODELS[0]


@pytest.fixture(scope="module")
def packed(bundled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It as a ZIP file with one folder in it, as the publisher packs his."""
    file = tmp_path_factory.mktemp("packed") / "some-model.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(bundled.rglob("*")):
            if path.is_file():
                archive.write(path, f"{OFFICIAL}/{path.relative_to(bundled)}")
    return file


def names(store: ModelStore) -> list[str]:
    return [model.name for model in store.list()]


def copied(bundled: Path, target: Path) -> Path:
    shutil.copytree(bundled, target)
    return target


def test_the_bundled_model_is_there_with_its_card_and_works(store: ModelStore) -> None:
    model = store.find(DEFAULT_MODEL)
    assert (model.is_bundled, model.rate, model.takes_grammar, model.problem) == (True, 16_000, True, None)
    assert model.card is not None
    assert "Apache-2.0" in model.card.read_text(encoding="utf-8")
    assert names(store) == [DEFAULT_MODEL]


def test_a_model_comes_in_from_a_folder_and_from_a_zip_file(store, bundled: Path, packed: Path, tmp_path: Path) -> None:
    assert store.install(str(copied(bundled, tmp_path / "my-model"))).name == "my-model"
    installed = store.install(str(packed), sha256=hashlib.sha256(packed.read_bytes()).hexdigest().upper())
    assert installed.megabytes == store.find(DEFAULT_MODEL).megabytes
    assert names(store) == [DEFAULT_MODEL, "my-model", "some-model"]
    with pytest.raises(ModelError, match="--replace"):
        store.install(str(packed))
    assert store.install(str(packed), replace=True).problem is None


def _truncate(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


BROKEN = {
    "no sounds": (lambda folder: (folder / "am" / "final.mdl").unlink(), "缺少 am/final.mdl"),
    "no configuration": (lambda folder: (folder / "conf" / "mfcc.conf").unlink(), "缺少 conf/mfcc.conf"),
    "another rate": (
        lambda folder: (folder / "conf" / "mfcc.conf").write_text("--sample-frequency=8000\n"),
        "采样率是 8000，应为 16000",
    ),
    "no graph": (lambda folder: (folder / "graph" / "Gr.fst").unlink(), "缺少 graph/HCLG.fst"),
    "half of the sounds": (lambda folder: _truncate(folder / "am" / "final.mdl", 0.5), "装载失败"),
    "half of the graph": (lambda folder: _truncate(folder / "graph" / "HCLr.fst", 0.5), "装载失败"),
    "no graph but bytes": (lambda folder: (folder / "graph" / "HCLr.fst").write_bytes(b"graph" * 999), "装载失败"),
}


@pytest.mark.parametrize(("spoil", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_model_is_refused_with_the_reason_and_nothing_is_left(store, bundled, tmp_path, spoil, reason) -> None:
    folder = copied(bundled, tmp_path / "broken")
    spoil(folder)
    with pytest.raises(ModelError, match=reason):
        store.install(str(folder))
    assert names(store) == [DEFAULT_MODEL]
    assert not list(store.root.glob(".parts/model-*"))


def test_a_broken_model_that_is_there_already_is_listed_with_what_is_wrong(store: ModelStore) -> None:
    (store.root / "left").mkdir(parents=True)
    assert store.list()[1].problem == "缺少 am/final.mdl"
    with pytest.raises(ModelError, match="不能用"):
        store.find("left")
    with pytest.raises(ModelError, match="banshi voice install another"):
        store.find("another")


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../escaped", "a/../../escaped", "/escaped", "a\\..\\escaped"])
def test_a_name_that_leads_out_of_the_folder_is_refused(store: ModelStore, tmp_path: Path, name: str) -> None:
    file = zipped(tmp_path / "evil.zip", {"model/am/final.mdl": b"x", f"model/{name}": b"x"})
    with pytest.raises(ModelError, match="可疑"):
        store.install(str(file))
    assert not list(tmp_path.rglob("escaped"))


def test_what_is_no_zip_file_or_no_model_is_refused(store: ModelStore, tmp_path: Path, packed: Path) -> None:
    half = tmp_path / "half.zip"
    half.write_bytes(packed.read_bytes()[:1_000_000])
    for source, reason in (
        (half, "不是完整的 ZIP"),
        (zipped(tmp_path / "empty.zip", {}), "缺少"),
        (zipped(tmp_path / "many.zip", {f"m/{n}": b"" for n in range(1_001)}), "太大"),
        ("unheard-of", "没有找到"),
    ):
        with pytest.raises(ModelError, match=reason):
            store.install(str(source))
    with pytest.raises(ModelError, match="SHA-256"):
        store.install(str(packed), sha256="0" * 64)
    assert names(store) == [DEFAULT_MODEL]


class Publisher:
    """A server that publishes a file, and may break off, forget ranges, or publish another."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.md5 = hashlib.md5(content).hexdigest()
        self.breaks_after: int | None = None
        self.takes_ranges = True
        self.asked: list[str | None] = []
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.answer(self)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/models"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path.endswith("model-list.json"):
            entry = {"name": OFFICIAL, "md5": self.md5, "size": len(self.content), "lang": "cn", "obsolete": "false"}
            self.send(handler, 200, json.dumps([entry]).encode())
            return
        wanted = handler.headers.get("Range")
        self.asked.append(wanted)
        tag = f'"{hashlib.md5(self.content).hexdigest()}"'
        start = 0
        if wanted and self.takes_ranges and handler.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send(handler, 206 if start else 200, self.content[start:], tag)

    def send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes, tag: str | None = None) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        if tag:
            handler.send_header("ETag", tag)
        handler.end_headers()
        with contextlib.suppress(ConnectionError):
            if tag and self.breaks_after is not None:
                handler.wfile.write(body[: self.breaks_after])
                handler.wfile.flush()
                handler.connection.shutdown(2)
            else:
                handler.wfile.write(body)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def publisher(packed: Path) -> Iterator[Publisher]:
    server = Publisher(packed.read_bytes())
    yield server
    server.close()


@pytest.fixture
def online(tmp_path: Path, publisher: Publisher) -> ModelStore:
    return ModelStore(tmp_path / "models", official_url=publisher.url)


def test_an_official_model_is_fetched_compared_and_installed(online: ModelStore, publisher: Publisher) -> None:
    seen: list[tuple[int, int]] = []
    assert online.install(OFFICIAL, progress=lambda have, size: seen.append((have, size))).name == OFFICIAL
    assert seen[-1] == (len(publisher.content), len(publisher.content))
    assert names(online) == [DEFAULT_MODEL, OFFICIAL]
    assert not list(online.root.glob(f".parts/{OFFICIAL}*"))


def test_a_download_that_broke_off_goes_on_where_it_was(online: ModelStore, publisher: Publisher) -> None:
    publisher.breaks_after = 1_000_000
    with pytest.raises(ModelError, match="再运行一次会接着下载"):
        online.install(OFFICIAL)
    assert names(online) == [DEFAULT_MODEL]
    publisher.breaks_after = None
    online.install(OFFICIAL)
    assert publisher.asked == [None, "bytes=1000000-"]


@pytest.mark.parametrize("trouble", ["no ranges", "another file"])
def test_what_cannot_be_continued_begins_anew(online: ModelStore, publisher: Publisher, trouble: str) -> None:
    first = publisher.content
    if trouble == "another file":
        publisher.content = b"before" * 400_000
    publisher.breaks_after = 1_000_000
    with pytest.raises(ModelError):
        online.install(OFFICIAL)
    publisher.content, publisher.breaks_after, publisher.takes_ranges = first, None, trouble != "no ranges"
    assert online.install(OFFICIAL).problem is None


def test_a_download_that_differs_from_what_was_published_is_thrown_away(online, publisher: Publisher) -> None:
    publisher.md5 = "0" * 32
    with pytest.raises(ModelError, match="校验值不一致"):
        online.install(OFFICIAL)
    assert names(online) == [DEFAULT_MODEL]
    assert not list(online.root.glob(".parts/*.zip*"))


def test_a_machine_without_network_is_told_the_other_way(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, official_url="http://127.0.0.1:9/models")
    with pytest.raises(ModelError, match=r"banshi voice install 文件\.zip"):
        store.install(OFFICIAL)


def test_an_installation_killed_in_the_middle_leaves_no_model_and_the_next_one_works(store, packed: Path) -> None:
    code = f"from pathlib import Path; from voice.model_store import ModelStore; ModelStore(Path({str(store.root)!r})).install({str(packed)!r})"
    process = subprocess.Popen([sys.executable, "-c", code])
    parts = store.root / ".parts"
    while not list(parts.glob("model-*/*/am")):
        assert process.poll() is None
        time.sleep(0.002)
    with pytest.raises(ModelError, match="另一个安装正在进行"):
        store.install(str(packed))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert names(store) == [DEFAULT_MODEL]
    store.install(str(packed))
    assert names(store) == [DEFAULT_MODEL, "some-model"]
    assert not list(parts.glob("model-*"))
