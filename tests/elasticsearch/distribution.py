"""The Elasticsearch that tests run: its jars from Maven, laid out as the server expects them, and a Java to run it.

The result is kept outside of the work tree, so that only the first run on a machine downloads anything.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_CHECKSUMS = _HERE / "jars.sha256"
LAUNCHER = _HERE / "Launcher.java"

MINIMUM_JAVA = 21
JDK_FOLDER = Path("/usr/lib/jvm")
_DOWNLOAD_SECONDS = 600
_TRANSPORT = "transport-netty4"
_DESCRIPTOR = """\
description=HTTP and transport
name={name}
version={version}
elasticsearch.version={version}
java.version={java}
classname=org.elasticsearch.transport.netty4.Netty4Plugin
modulename=
has.native.controller=false
"""


class DistributionError(RuntimeError):
    """Elasticsearch can't be had on this machine; the message says what to install or to look at."""


def version() -> str:
    """The version of Elasticsearch, as the pom has it."""
    found = ElementTree.parse(_POM).findtext("{*}properties/{*}elasticsearch.version")
    assert found, _POM
    return found


def cache_folder() -> Path:
    """Where this user's programs keep what they can fetch again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "banshi-tests"


def distribution() -> Path:
    """The folder with the node's ``lib`` and ``modules``, assembled first where this machine has none yet.

    Raises:
        DistributionError: Maven is missing or failed, or the jars aren't those that ``jars.sha256`` lists.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"elasticsearch-{version()}"
    with (cache / f"{folder.name}.lock").open("w") as lock:
        # Of two test runs on one machine the second waits, and then finds what the first one made.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_current(folder):
            _assemble(folder)
    return folder


def _is_current(folder: Path) -> bool:
    """Whether a folder was assembled from the jars that are listed today."""
    made_of = folder / _CHECKSUMS.name
    return made_of.is_file() and made_of.read_bytes() == _CHECKSUMS.read_bytes()


def _assemble(folder: Path) -> None:
    """Make the folder elsewhere and move it into its place when it is whole."""
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        library, module = made / "lib", made / "modules" / _TRANSPORT
        module.mkdir(parents=True)
        _download(library)
        _verify(library)
        for jar in sorted([*library.glob("netty-*.jar"), *library.glob(f"{_TRANSPORT}-*.jar")]):
            jar.rename(module / jar.name)
        (module / "plugin-descriptor.properties").write_text(
            _DESCRIPTOR.format(name=_TRANSPORT, version=version(), java=MINIMUM_JAVA)
        )
        shutil.copy(_CHECKSUMS, made)
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _download(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise DistributionError("Maven is missing. Run tests/install-system-packages, or install the package maven.")
    arguments: list[str | Path] = [
        "--batch-mode",
        "--quiet",
        "--file",
        _POM,
        "dependency:copy-dependencies",
        f"-DoutputDirectory={folder}",
    ]
    try:
        outcome = subprocess.run([maven, *arguments], capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise DistributionError(f"Maven took more than {_DOWNLOAD_SECONDS} s to fetch Elasticsearch.") from error
    if outcome.returncode:
        raise DistributionError(f"Maven could not fetch Elasticsearch:\n{outcome.stdout}{outcome.stderr}")


def _verify(folder: Path) -> None:
    """Hold the jars against the list: none missing, none changed, none more."""
    lines = [line.split() for line in _CHECKSUMS.read_text().splitlines()]
    listed = {name: checksum for checksum, name in lines}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.iterdir()}
    if wrong := sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name)):
        raise DistributionError(f"Maven gave other jars than {_CHECKSUMS} lists: {', '.join(wrong)}")


def java() -> Path:
    """The ``java`` program of an installed JDK that is new enough; of several the oldest, which is nearest to what the
    jars were made for. ``JAVA_HOME`` comes first if it is one of them.

    Raises:
        DistributionError: there is none.
    """
    if (home := os.environ.get("JAVA_HOME")) and _java_version(Path(home)) >= MINIMUM_JAVA:
        return Path(home) / "bin" / "java"
    on_path = [Path(found).resolve().parents[1]] if (found := shutil.which("javac")) else []
    homes = [home for home in [*on_path, *JDK_FOLDER.glob("*")] if _java_version(home) >= MINIMUM_JAVA]
    if not homes:
        raise DistributionError(
            f"Elasticsearch needs a JDK {MINIMUM_JAVA} or newer, and none is in JAVA_HOME, on the PATH or in "
            f"{JDK_FOLDER}. Install one, for example Eclipse Temurin or Debian's openjdk-{MINIMUM_JAVA}-jdk-headless."
        )
    return min(homes, key=lambda home: (_java_version(home), home)) / "bin" / "java"


def _java_version(home: Path) -> int:
    """The feature version of the JDK in a folder; 0 if there is none, or only a runtime that can't run source files."""
    release = home / "release"
    if not ((home / "bin" / "javac").is_file() and release.is_file()):
        return 0
    found = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)
    return int(found[1]) if found else 0
