"""Models: which there are, whether they work, and how another one comes in.

voice/models/NAME/                the model that is part of the product
BANSHI_DATA/voice/models/NAME/    those that were installed
BANSHI_DATA/voice/models/.parts/  what is being fetched or unpacked; no model until it is moved up, whole
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import lzma
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
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
_SOUNDS: Final = "am/final.mdl"
_WORD_TABLE: Final = "graph/words.txt"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BAD_ZIP: Final = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error, lzma.LZMAError)
_BAD_ENTRY: Final = (None, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
"""Errors of an archive's own making: a broken bzip2 stream (which has no number), names that no files can have."""
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

    @property
    def word_table(self) -> Path:
        """Where the model's words stand, if it says them at all (``words`` is None where it does not)."""
        return self.folder / _WORD_TABLE

    @classmethod
    def read(cls, folder: Path, *, is_bundled: bool = False) -> ModelInfo:
        """Look at a folder without loading anything."""
        words = folder / _WORD_TABLE
        return cls(
            name=folder.name,
            folder=folder,
            is_bundled=is_bundled,
            megabytes=round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1),
            rate=_rate(folder),
            takes_grammar=_takes_grammar(folder),
            words=_count_lines(words) if words.is_file() else None,
            card=next((folder / name for name in _CARDS if (folder / name).is_file()), None),
            problem=_problem(folder),
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

        A download is compared with its publisher's list; ``sha256`` is what the ZIP file must have besides.
        """
        path = Path(source)
        is_local = path.exists()
        if not is_local and not self.is_official(source):
            raise ModelError(
                "model_unknown",
                f"没有找到 {source}：既不是文件或文件夹，也不是官方模型（{'、'.join(OFFICIAL_MODELS)}）。",
            )
        name = path.resolve().name.removesuffix(".zip") if is_local else source
        if not _NAME.fullmatch(name):
            raise ModelError("model_name", f"模型名“{name}”只能有字母、数字、点、横线。请给文件改名。")
        if (_BUNDLED / name).is_dir():
            raise ModelError("model_exists", f"{name} 是自带的模型，不能覆盖。请给文件改名后再装。")
        if path.is_dir() and sha256 is not None:
            raise ModelError("model_checksum", "文件夹无法核对 SHA-256，没有安装。请给出 ZIP 文件，或者去掉 --sha256。")
        with self._alone(), _room():
            # Asked once nobody else installs: another one may just have brought it.
            if (self.root / name).exists() and not replace:
                raise ModelError("model_exists", f"模型 {name} 已经装好了。要换掉它，请加 --replace。")
            if path.is_dir():
                return self._take(name, lambda target: _copy(path, target))
            if is_local:
                return self._take_zip(name, path, sha256)
            file = self._download(name, progress)
            try:
                installed = self._take_zip(name, file, sha256)
            except ModelError:
                # It will not get better. (Where only the disk was full, it stays for the next run.)
                file.unlink()
                raise
            file.unlink()
            return installed

    def is_official(self, source: str) -> bool:
        """Whether a source is downloaded from the publisher."""
        return source in OFFICIAL_MODELS and not Path(source).exists()

    def _take_zip(self, name: str, file: Path, sha256: str | None) -> ModelInfo:
        if sha256 is not None and digest_of(file, "sha256") != sha256.lower():
            raise ModelError("model_checksum", f"{file.name} 的 SHA-256 与给出的不一致，没有安装。请重新获取。")
        return self._take(name, lambda target: _unpack(file, target))

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


@contextlib.contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise ModelError(
            "model_disk", "磁盘空间不够，没有安装。请腾出空间，再运行一次；已经下载的部分还在，不会重新下载。"
        ) from error


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
                messages = done.stderr.decode(errors="replace").replace(f"{model.folder}/", "")
                reason = f"装载失败（{_telling(messages)}）"
    if reason is not None:
        raise ModelError("model_broken", f"语音模型 {model.name} 不能用：{reason}。没有安装。")


def _telling(text: str) -> str:
    """The line of Vosk's messages that says most."""
    lines = [line.strip() for line in text.splitlines() if not _NOT_TELLING.search(line)]
    errors = [line for line in lines if line.startswith("ERROR") or "rror" in line]
    return (errors or lines or ["没有给出原因"])[0][:200]


def _copy(source: Path, target: Path) -> None:
    if problem := _problem(source):
        # Before a folder that is something else, perhaps a large one, is copied.
        raise ModelError("model_broken", f"{source} 不是能用的语音模型：{problem}。没有安装。")
    try:
        shutil.copytree(source, target, symlinks=False)
    except shutil.Error as error:
        raise ModelError("model_broken", f"复制 {source} 没有成功：{error.args[0][0][2]}。") from error


def _unpack(file: Path, target: Path) -> None:
    """Unpack the model of a ZIP file, in whatever folder of it it lies. Names that lead out of it are refused."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > _MOST_FILES or sum(entry.file_size for entry in entries) > _MOST_BYTES:
                raise ModelError("model_too_large", f"{file.name} 太大，不像语音模型（超过 8 GB）。没有安装。")
            if unsafe := next(filter(_is_unsafe, entries), None):
                name = unsafe.filename[:60]
                raise ModelError("model_unsafe", f"{file.name} 里有可疑的文件名（{name}）。没有安装。")
            prefix = _folder_of_model([entry.filename for entry in entries])
            target.mkdir()
            for entry in entries:
                if not entry.filename.startswith(prefix):
                    continue
                path = target / entry.filename.removeprefix(prefix)
                if not path.resolve().is_relative_to(target.resolve()):
                    raise ModelError("model_unsafe", f"{file.name} 里的文件名指向别处。没有安装。")
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, path.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
    except (*_BAD_ZIP, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _BAD_ENTRY:
            raise
        raise ModelError("model_broken", f"{file.name} 不是完整的 ZIP 文件。没有安装，请重新获取。") from error


def _is_unsafe(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a link, or its name could lead elsewhere, also once a folder is cut off its beginning.

    So no part may be empty: what is left of ``model//etc`` would be ``/etc``.
    """
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    return is_link or "\\" in entry.filename or not {"", ".", ".."}.isdisjoint(entry.filename.split("/"))


def _folder_of_model(names: Iterable[str]) -> str:
    """The folder of the model in an archive, with its slash; empty where that is the top, or there is no model."""
    sounds = [name for name in names if name == _SOUNDS or name.endswith(f"/{_SOUNDS}")]
    return min(sounds, key=len, default=_SOUNDS).removesuffix(_SOUNDS)


def _problem(folder: Path) -> str | None:
    """What is wrong with a model by the look of its files."""
    rate = _rate(folder)
    if not (folder / _SOUNDS).is_file():
        return f"缺少 {_SOUNDS}"
    if rate is None:
        return "缺少 conf/mfcc.conf"
    if rate != RATE:
        return f"采样率是 {rate}，应为 {RATE}"
    if not (folder / "conf" / "model.conf").is_file():
        return "缺少 conf/model.conf"
    takes_grammar = _takes_grammar(folder)
    if not takes_grammar and not (folder / "graph" / "HCLG.fst").is_file():
        return "缺少 graph/HCLG.fst，或者 graph/HCLr.fst 和 graph/Gr.fst"
    words = folder / _WORD_TABLE
    if takes_grammar and not words.is_file():
        return f"缺少 {_WORD_TABLE}"
    if words.is_file() and not words.stat().st_size:
        # Vosk loads such a model, and then nothing that is said has a name.
        return f"{_WORD_TABLE} 是空的"
    return None


def _takes_grammar(folder: Path) -> bool:
    return all((folder / "graph" / name).is_file() for name in ("HCLr.fst", "Gr.fst"))


def _rate(folder: Path) -> int | None:
    """The sample frequency in the configuration of the model's features; Kaldi's own default is 16000."""
    path = folder / "conf" / "mfcc.conf"
    if not path.is_file():
        return None
    found = re.search(r"(?m)^\s*--sample-frequency=(\d+)", path.read_text(encoding="utf-8", errors="replace"))
    return int(found.group(1)) if found else RATE


def _count_lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(1 for _line in stream)
