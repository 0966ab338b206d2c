"""Models: which there are, whether they work, and how another one comes in.

voice/models/NAME/                the model that is part of the product
BANSHI_DATA/voice/models/NAME/    those that were installed
BANSHI_DATA/voice/models/.parts/  what is being fetched or unpacked; no model until it is moved up, whole
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voice import trial
from voice.download import DownloadError, Progress, digest_of, fetch, published
from voice.sound import RATE

DEFAULT_MODEL: Final = "banshi-small-cn-0.1"
OFFICIAL_MODELS: Final = ("vosk-model-small-cn-0.22", "vosk-model-cn-0.22")
OFFICIAL_URL: Final = "https://alphacephei.com/vosk/models"

_BUNDLED: Final = Path(__file__).parent / "models"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_CARDS: Final = ("README.md", "README")
_TRIAL_SECONDS: Final = 180
_MOST_BYTES: Final = 8_000_000_000
_MOST_FILES: Final = 1_000
_NOT_TELLING = re.compile(r"^(LOG|WARNING|Traceback|  )|^\s*$|Stack-Trace|^kaldi|^vosk_|^[a-z_]+\(.*\)$|\+0x")


class ModelError(Exception):
    """A model can't be used or installed; the message says why and what to do."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model's folder as found. ``problem`` is what is wrong by the look of its files, None where nothing is."""

    name: str
    folder: Path
    is_bundled: bool
    megabytes: float
    rate: int | None
    takes_grammar: bool
    words: int | None
    card: Path | None
    problem: str | None

    @classmethod
    def read(cls, folder: Path, *, is_bundled: bool = False) -> ModelInfo:
        """Look at a folder without loading anything."""
        words = folder / "graph" / "words.txt"
        takes_grammar = all((folder / "graph" / name).is_file() for name in ("HCLr.fst", "Gr.fst"))
        rate = _rate(folder)
        problem = None
        if not (folder / "am" / "final.mdl").is_file():
            problem = "缺少 am/final.mdl"
        elif rate is None:
            problem = "缺少 conf/mfcc.conf"
        elif rate != RATE:
            problem = f"采样率是 {rate}，应为 {RATE}"
        elif not takes_grammar and not (folder / "graph" / "HCLG.fst").is_file():
            problem = "缺少 graph/HCLG.fst，或者 graph/HCLr.fst 和 graph/Gr.fst"
        elif takes_grammar and not words.is_file():
            problem = "缺少 graph/words.txt"
        return cls(
            name=folder.name,
            folder=folder,
            is_bundled=is_bundled,
            megabytes=round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1),
            rate=rate,
            takes_grammar=takes_grammar,
            words=_count_lines(words) if words.is_file() else None,
            card=next((folder / name for name in _CARDS if (folder / name).is_file()), None),
            problem=problem,
        )


class ModelStore:
    """The models of one installation. ``root`` is the folder of those that were installed."""

    def __init__(self, root: Path, *, official_url: str = OFFICIAL_URL) -> None:
        self.root = root
        self._parts = root / ".parts"
        self._official_url = official_url

    def list(self) -> list[ModelInfo]:
        """Every model, the bundled one first."""
        installed = sorted(path for path in self.root.glob("[!.]*") if path.is_dir()) if self.root.is_dir() else []
        bundled = sorted(path for path in _BUNDLED.iterdir() if path.is_dir())
        return [
            *(ModelInfo.read(path, is_bundled=True) for path in bundled),
            *(ModelInfo.read(path) for path in installed),
        ]

    def find(self, name: str) -> ModelInfo:
        """A model by name, ready to be loaded. Raises ModelError."""
        models = {model.name: model for model in self.list()}
        if name not in models:
            raise ModelError(
                "model_missing",
                f"没有语音模型 {name}。现有：{'、'.join(models)}。请改设置 BANSHI_VOICE_MODEL，"
                f"或者运行 banshi voice install {name}。",
            )
        if problem := models[name].problem:
            raise ModelError("model_broken", f"语音模型 {name} 不能用：{problem}。请重新安装，或者换一个模型。")
        return models[name]

    def install(
        self, source: str, *, sha256: str | None = None, replace: bool = False, progress: Progress | None = None
    ) -> ModelInfo:
        """Install an official model by name, or one from a ZIP file or a folder. All or nothing. Raises ModelError.

        ``sha256`` is what the ZIP file must have; without it a download is compared with its publisher's list.
        """
        path = Path(source)
        is_local = path.exists()
        if not is_local and source not in OFFICIAL_MODELS:
            raise ModelError(
                "model_unknown",
                f"没有找到 {source}：既不是文件或文件夹，也不是官方模型（{'、'.join(OFFICIAL_MODELS)}）。",
            )
        name = path.resolve().name.removesuffix(".zip") if is_local else source
        if not _NAME.fullmatch(name):
            raise ModelError("model_name", f"模型名“{name}”只能有字母、数字、点、横线。请给文件改名。")
        if name in {model.name for model in self.list() if model.is_bundled}:
            raise ModelError("model_exists", f"{name} 是自带的模型，不能覆盖。请给文件改名后再装。")
        if (self.root / name).exists() and not replace:
            raise ModelError("model_exists", f"模型 {name} 已经装好了。要换掉它，请加 --replace。")
        with self._alone():
            if is_local and path.is_dir():
                return self._take(name, lambda target: _copy(path, target))
            file = path if is_local else self._download(name, progress)
            if sha256 is not None and digest_of(file, "sha256") != sha256.lower():
                raise ModelError("model_checksum", f"{file.name} 的 SHA-256 与给出的不一致，没有安装。请重新获取。")
            installed = self._take(name, lambda target: _unpack(file, target))
            if not is_local:
                file.unlink(missing_ok=True)
            return installed

    def _download(self, name: str, progress: Progress | None) -> Path:
        """The official ZIP file, whole and checked. What was fetched before a break is kept and continued."""
        try:
            entry = published(self._official_url, name)
            file = self._parts / f"{name}.zip"
            fetch(f"{self._official_url}/{name}.zip", file, entry.size, progress)
        except DownloadError as error:
            raise ModelError(
                "model_download", f"{error}没有网络的机器，可以在别处下载后运行 banshi voice install 文件.zip。"
            ) from error
        if digest_of(file, "md5") != entry.md5:
            file.unlink()
            raise ModelError("model_checksum", f"下载的 {name} 与发布者给出的校验值不一致，已删除。请再运行一次。")
        return file

    def _take(self, name: str, fill: Callable[[Path], None]) -> ModelInfo:
        """Fill a folder beside, try what is in it, and move it into place in one step."""
        with tempfile.TemporaryDirectory(dir=self._parts, prefix="model-") as folder:
            target = Path(folder) / name
            fill(target)
            check(ModelInfo.read(target))
            final = self.root / name
            if final.exists():
                # A server that has it loaded keeps its open files.
                final.rename(Path(folder) / "before")
            target.rename(final)
        return ModelInfo.read(final)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One installation at a time; what a killed one left behind is removed, but for what can be continued."""
        self._parts.mkdir(parents=True, exist_ok=True)
        with (self._parts / "lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ModelError("model_busy", "另一个安装正在进行。请等它结束，再试一次。") from None
            for left in self._parts.glob("model-*"):
                shutil.rmtree(left, ignore_errors=True)
            yield


def check(model: ModelInfo) -> None:
    """Load a model in a process of its own. Raises ModelError with the reason where that fails."""
    reason = model.problem
    if reason is None:
        try:
            done = subprocess.run(
                [sys.executable, "-m", trial.__name__, str(model.folder)],
                capture_output=True,
                timeout=_TRIAL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            reason = f"{_TRIAL_SECONDS} 秒内没有装好"
        else:
            if done.returncode:
                reason = f"装载失败（{_telling(done.stderr.decode(errors='replace'))}）"
    if reason is not None:
        raise ModelError("model_broken", f"语音模型 {model.name} 不能用：{reason}。没有安装。")


def _telling(text: str) -> str:
    """The line of Vosk's messages that says most."""
    lines = [line.strip() for line in text.splitlines() if not _NOT_TELLING.search(line)]
    errors = [line for line in lines if line.startswith("ERROR") or "rror" in line]
    return (errors or lines or ["没有给出原因"])[0][:200]


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copytree(source, target, symlinks=False)
    except shutil.Error as error:
        raise ModelError("model_broken", f"复制 {source} 没有成功：{error.args[0][0][2]}。") from error


def _unpack(file: Path, target: Path) -> None:
    """Unpack a ZIP file whose model lies at its top or in its only folder. Names that lead out of it are refused."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > _MOST_FILES or sum(entry.file_size for entry in entries) > _MOST_BYTES:
                raise ModelError("model_too_large", f"{file.name} 太大，不像语音模型（超过 8 GB）。没有安装。")
            tops = {entry.filename.split("/")[0] for entry in entries}
            prefix = f"{tops.pop()}/" if len(tops) == 1 else ""
            for entry in entries:
                name = entry.filename.removeprefix(prefix)
                if name.startswith("/") or "\\" in name or ".." in name.split("/"):
                    raise ModelError("model_unsafe", f"{file.name} 里有可疑的文件名（{name[:60]}）。没有安装。")
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, path.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError("model_broken", f"{file.name} 不是完整的 ZIP 文件。没有安装，请重新获取。") from error


def _rate(folder: Path) -> int | None:
    """The sample frequency in the configuration of the model's features; Kaldi's own default is 16000."""
    path = folder / "conf" / "mfcc.conf"
    if not path.is_file():
        return None
    found = re.search(r"--sample-frequency=(\d+)", path.read_text(encoding="utf-8", errors="replace"))
    return int(found.group(1)) if found else RATE


def _count_lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(1 for _line in stream)
