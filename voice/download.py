"""Fetching a large file so that a broken connection costs only what was under way."""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

Progress = Callable[[int, int], None]
"""Called with bytes at hand and bytes in all."""
_WAIT_SECONDS: Final = 30
_BLOCK: Final = 1 << 18
_OF_THE_NETWORK: Final = (urllib.error.URLError, ConnectionError, TimeoutError)


class DownloadError(Exception):
    """It did not come through; the message is a sentence. What was fetched is kept."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the publisher says of a file."""

    size: int
    md5: str


def published(base_url: str, name: str) -> Published:
    """The publisher's entry of a model. Raises DownloadError."""
    url = f"{base_url}/model-list.json"
    try:
        with urllib.request.urlopen(url, timeout=_WAIT_SECONDS) as answer:
            entries = json.load(answer)
        entry = next(entry for entry in entries if entry["name"] == name)
        return Published(int(entry["size"]), str(entry["md5"]).lower())
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"连不上 {url}（{_reason(error)}）。") from error
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise DownloadError(f"{url} 里没有 {name} 的校验值。") from error


def fetch(url: str, target: Path, size: int, progress: Progress | None = None) -> None:
    """Fetch ``url`` to ``target``, going on from what ``target``.part already has. Raises DownloadError."""
    part = target.with_name(f"{target.name}.part")
    stamp = target.with_name(f"{target.name}.stamp")
    if target.exists() and target.stat().st_size == size:
        # It came through before, and what was to follow did not.
        return
    have = part.stat().st_size if part.exists() else 0
    if have > size:
        part.unlink()
        have = 0
    request = urllib.request.Request(url)
    if have and stamp.exists():
        # The rest is only of use if the file is still the same; otherwise the server sends all of it.
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", stamp.read_text(encoding="ascii"))
    try:
        if have < size:
            with urllib.request.urlopen(request, timeout=_WAIT_SECONDS) as answer:
                if answer.status != HTTPStatus.PARTIAL_CONTENT:
                    have = 0
                if mark := _mark(answer.headers):
                    stamp.write_text(mark, encoding="ascii")
                with part.open("ab" if have else "wb") as stream:
                    while block := answer.read(_BLOCK):
                        have += len(block)
                        if have > size:
                            raise _unusable(part, f"{url} 比发布者的清单所说的大，")
                        stream.write(block)
                        if progress is not None:
                            progress(have, size)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError) and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _unusable(part, f"{url} 已经变了，接不上，") from error
        if isinstance(error, OSError) and not isinstance(error, _OF_THE_NETWORK):
            # Ours, and not the network's: a full disk, say.
            raise
        raise DownloadError(f"下载中断（{_reason(error)}），已有 {have} 字节。再运行一次会接着下载。") from error
    if have != size:
        raise DownloadError(f"下载不完整（{have}/{size} 字节）。再运行一次会接着下载。")
    part.replace(target)
    stamp.unlink(missing_ok=True)


def _unusable(part: Path, reason: str) -> DownloadError:
    """What was fetched can't be gone on from: it is removed, so that the next run begins anew."""
    part.unlink(missing_ok=True)
    return DownloadError(f"{reason}已下载的部分删除了。再运行一次会从头下载。")


def _mark(headers: Mapping[str, str]) -> str | None:
    """What tells this version of the file from another. A weak ETag does not (RFC 9110, 13.1.5)."""
    tag = headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


def digest_of(file: Path, algorithm: str) -> str:
    """A checksum in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", error)) or type(error).__name__
