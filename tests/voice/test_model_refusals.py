"""What is no model, or not the one that was meant, does not come in, and leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

import pytest

from voice.model_store import OFFICIAL_MODELS, ModelError, ModelStore

OFFICIAL = OFFICIAL_MODELS[0]
LIMITED = """
import resource, sys
from pathlib import Path
from voice.model_store import ModelError, ModelStore
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    ModelStore(Path(sys.argv[1]), official_url=sys.argv[4]).install(sys.argv[2])
except ModelError as error:
    print(error.code)
"""
"""Files of no more than so many bytes: what a full disk is to a program."""


def installed(store: ModelStore) -> list[str]:
    return [model.name for model in store.list() if not model.is_bundled]


def leftovers(store: ModelStore) -> list[str]:
    return sorted(path.name for path in store.root.glob(".parts/*") if path.name != "lock")


def packed(bundled: Path, file: Path, prefix: str, others: tuple[str, ...] = ()) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name in others:
            archive.writestr(name, b"something else")
        for path in sorted(path for path in bundled.rglob("*") if path.is_file()):
            archive.write(path, f"{prefix}{path.relative_to(bundled)}")
    return file


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "no way to decode": (lambda model: (model / "conf" / "model.conf").unlink(), "缺少 conf/model.conf"),
    "no words": (lambda model: (model / "graph" / "words.txt").write_bytes(b""), "words.txt 是空的"),
    "half of the words": (lambda model: halve(model / "graph" / "words.txt"), "装载失败.*graph/words.txt"),
    "half of the language": (lambda model: halve(model / "graph" / "Gr.fst"), "装载失败.*graph/Gr.fst"),
    "half of the voices": (lambda model: halve(model / "ivector" / "final.ie"), "装载失败.*matrix"),
    "no voices": (lambda model: shutil.rmtree(model / "ivector"), "装载失败.*Ivector"),
    "no table": (lambda model: (model / "graph" / "disambig_tid.int").unlink(), "装载失败.*graph/disambig_tid.int"),
    "no options": (lambda model: (model / "conf" / "mfcc.conf").write_text("hello\n"), "装载失败.*conf/mfcc.conf"),
}


@pytest.mark.parametrize(("spoil", "reason"), SPOILT.values(), ids=SPOILT)
def test_the_reason_names_the_file_of_the_model_that_is_wrong(store, bundled, tmp_path, spoil, reason) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(bundled, folder)
    spoil(folder)
    with pytest.raises(ModelError, match=reason) as refused:
        store.install(str(folder))
    assert ".parts" not in str(refused.value), "where it was tried is nobody's concern"
    assert (installed(store), leftovers(store)) == ([], [])


def test_a_rate_in_a_comment_is_none(store: ModelStore, bundled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "commented"
    shutil.copytree(bundled, folder)
    options = folder / "conf" / "mfcc.conf"
    options.write_text("# --sample-frequency=8000\n" + options.read_text(encoding="utf-8"), encoding="utf-8")
    assert store.install(str(folder)).rate == 16_000


@pytest.mark.parametrize(
    ("prefix", "others"),
    [("", ()), ("a/b/", ()), ("model/", ("README.txt", "__MACOSX/model/._am")), ("a/", ("z/deeper/am/final.mdl",))],
    ids=["at the top", "two folders down", "beside other things", "above another"],
)
def test_the_model_is_found_wherever_it_lies_in_the_zip_file(store, bundled, tmp_path, prefix, others) -> None:
    store.install(str(packed(bundled, tmp_path / "some.zip", prefix, others)))
    files = {str(path.relative_to(store.root / "some")) for path in (store.root / "some").rglob("*") if path.is_file()}
    assert files == {str(path.relative_to(bundled)) for path in bundled.rglob("*") if path.is_file()}


def test_a_link_in_a_zip_file_is_refused(store: ModelStore, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("model/am")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(ModelError, match="可疑"):
        store.install(str(tmp_path / "link.zip"))
    assert (installed(store), leftovers(store)) == ([], [])


@pytest.mark.parametrize("start", ["", "model/", "a/b/"])
@pytest.mark.parametrize(
    "way", ["{outside}", "/{outside}", "../escaped", "x/../../escaped", "./../escaped", "..\\escaped"]
)
def test_no_name_leads_out_of_the_model_wherever_it_lies(
    store: ModelStore, tmp_path: Path, start: str, way: str
) -> None:
    # The folder of the model is cut off; what is left of model//tmp/escaped must not become /tmp/escaped.
    name = start + way.format(outside=tmp_path / "escaped")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(f"{start}am/final.mdl", b"x")
        archive.writestr(name, b"x")
    with pytest.raises(ModelError, match="可疑"):
        store.install(str(tmp_path / "evil.zip"))
    assert not list(tmp_path.rglob("*escaped*"))
    assert (installed(store), leftovers(store)) == ([], [])


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_file_damaged_in_the_middle_is_refused(store: ModelStore, tmp_path: Path, method: int) -> None:
    file = tmp_path / "damaged.zip"
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("m/am/final.mdl", bytes(range(256)) * 400)
    content = bytearray(file.read_bytes())
    start = 30 + len("m/am/final.mdl") + (9 if method == zipfile.ZIP_LZMA else 0)
    content[start : start + 40] = b"\xff" * 40
    file.write_bytes(content)
    with pytest.raises(ModelError, match="不是完整的 ZIP"):
        store.install(str(file))
    assert (installed(store), leftovers(store)) == ([], [])


@pytest.mark.parametrize("names", [("m/am", "m/am/final.mdl"), ("m/am/final.mdl", f"m/{'x' * 300}")])
def test_names_that_no_files_can_have_are_refused(store: ModelStore, tmp_path: Path, names: tuple[str, ...]) -> None:
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    with pytest.raises(ModelError, match="不是完整的 ZIP"):
        store.install(str(tmp_path / "odd.zip"))
    assert (installed(store), leftovers(store)) == ([], [])


def test_a_checksum_that_cannot_be_compared_is_not_passed_over(store: ModelStore, bundled: Path, tmp_path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(bundled, folder)
    with pytest.raises(ModelError, match="无法核对 SHA-256"):
        store.install(str(folder), sha256="0" * 64)
    assert installed(store) == []


@pytest.fixture
def publisher(bundled: Path, tmp_path: Path) -> Iterator[str]:
    """Address of a publisher of the model, who answers no ranges. What he is asked for stands in ``asked``."""
    folder = tmp_path / "published"
    folder.mkdir()
    content = packed(bundled, folder / f"{OFFICIAL}.zip", f"{OFFICIAL}/").read_bytes()
    entry = {"name": OFFICIAL, "size": len(content), "md5": hashlib.md5(content).hexdigest()}
    (folder / "model-list.json").write_text(json.dumps([entry]))

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            with (tmp_path / "asked").open("a") as asked:
                asked.write(f"{self.path}\n")

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_download_with_another_sha256_than_pinned_is_thrown_away(publisher: str, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", official_url=publisher)
    with pytest.raises(ModelError, match="SHA-256"):
        store.install(OFFICIAL, sha256="0" * 64)
    assert (installed(store), leftovers(store)) == ([], [])


def limited(store: ModelStore, source: str, url: str, most_bytes: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(store.root), source, str(most_bytes), url],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_full_disk_keeps_what_was_downloaded_for_the_next_run(publisher: str, bundled: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", official_url=publisher)
    size = (tmp_path / "published" / f"{OFFICIAL}.zip").stat().st_size
    assert limited(store, OFFICIAL, publisher, 1_000_000) == "model_disk"
    assert installed(store) == []
    # A file of the download's size fits now.
    store.install(OFFICIAL)
    assert (installed(store), leftovers(store)) == ([OFFICIAL], [])
    # One that lacks room only when it is unpacked is not downloaded again.
    whole = store.root / ".parts" / f"{OFFICIAL}.zip"
    shutil.copy(tmp_path / "published" / f"{OFFICIAL}.zip", whole)
    shutil.rmtree(store.root / OFFICIAL)
    (tmp_path / "asked").unlink()
    assert limited(store, OFFICIAL, publisher, 1_000_000) == "model_disk"
    assert whole.stat().st_size == size
    store.install(OFFICIAL)
    assert f"/{OFFICIAL}.zip" not in (tmp_path / "asked").read_text()
    assert (installed(store), leftovers(store)) == ([OFFICIAL], [])


def test_a_model_that_another_installation_just_brought_is_not_replaced(store, bundled, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(bundled, folder)
    (folder / "mark").touch()
    flock = fcntl.flock

    def late(stream: IO[str], operation: int) -> None:
        # The other one ends just before this one has its turn.
        flock(stream, operation)
        shutil.copytree(bundled, store.root / "mine")

    monkeypatch.setattr("fcntl.flock", late)
    with pytest.raises(ModelError, match="--replace"):
        store.install(str(folder))
    assert not (store.root / "mine" / "mark").exists()


def test_other_troubles_of_the_system_are_not_taken_for_a_broken_model(store: ModelStore, tmp_path: Path) -> None:
    store.root.write_text("a file where the folder should be")
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("m/am/final.mdl", b"x")
    with pytest.raises(OSError) as trouble:
        store.install(str(tmp_path / "some.zip"))
    assert trouble.value.errno in (errno.ENOTDIR, errno.EEXIST)
