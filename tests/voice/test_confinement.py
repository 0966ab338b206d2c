"""What a process that has shut itself in can still do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from voice import confinement

ROOT = Path(__file__).parents[2]


def shut_in(does: str, *, is_shut: bool = True) -> str:
    """What a process prints that does this, once it has limited and perhaps shut itself in."""
    program = f"import os, socket, signal, resource\nfrom voice import confinement\nconfinement.limit()\n{'assert confinement.shut()' if is_shut else ''}\ntry:\n    {does}\n    print('done')\nexcept (OSError, MemoryError) as error:\n    print(type(error).__name__)\n"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()


@pytest.mark.parametrize(
    "does",
    [
        "open('/etc/passwd')",
        "open('/tmp/banshi-written', 'w')",
        "os.listdir('/')",
        "os.stat('/etc/passwd')",
        "os.readlink('/proc/self/exe')",
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "os.pipe()",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 0)",
        "os.kill(os.getppid(), signal.SIGTERM)",
        "resource.prlimit(0, resource.RLIMIT_CPU)",
        "os.setuid(0)",
    ],
)
def test_a_process_shut_in_can_touch_nothing_outside(does: str) -> None:
    assert shut_in(does) == "PermissionError"


def test_a_process_shut_in_can_compute_and_write_what_it_has_open() -> None:
    assert shut_in("sum(bytearray(50_000_000))") == "done"


def test_memory_and_files_are_limited_before_that() -> None:
    assert shut_in("bytearray(1 << 30)", is_shut=False) == "MemoryError"
    assert shut_in("files = [open('/dev/null') for _ in range(50)]", is_shut=False) == "OSError"


def test_no_file_is_written_even_before_that(tmp_path: Path) -> None:
    path = tmp_path / "written"
    assert shut_in(f"open({str(path)!r}, 'wb', buffering=0).write(b'x')", is_shut=False) == "OSError"
    assert path.read_bytes() == b""


def test_time_is_limited() -> None:
    program = "from voice import confinement\nconfinement._CPU_SECONDS = 1\nconfinement.limit()\nwhile True: pass"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode < 0


def test_where_system_calls_cannot_be_filtered_it_says_so() -> None:
    program = (
        "from voice import confinement\nconfinement._PROCESSORS.clear()\nprint(confinement.shut(), open('/dev/null'))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False")


def test_the_table_of_calls_names_each_once() -> None:
    for column in (0, 1):
        numbers = [numbers[column] for numbers in confinement._CALLS.values()]
        assert len(set(numbers)) == len(numbers)
