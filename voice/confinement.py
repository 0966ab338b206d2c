"""A process shuts itself in before it touches what a stranger sent. Linux only, without root, in plain Python.

``limit`` before the libraries are loaded, ``shut`` after: from then on the process can compute, use memory up to the
limit, and read and write what it has open. On x86-64 and 64-bit Arm a filter of system calls refuses everything else:
no file can be opened or even looked for, no socket made, no program or thread started, no other process signalled. On
other processors, or a kernel built without filters, the limits of ``limit`` are all there is: then a decoder that was
taken over could read what its user can read, and reach the network. The kernel itself is not contained either way.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from typing import Final

_CPU_SECONDS: Final = 5
"""Fifteen seconds of sound take less than a tenth of one."""
_MEMORY_BYTES: Final = 512 << 20
"""Address space; Python with the decoders maps 120 MB."""
_OPEN_FILES: Final = 16
"""Python opens one at a time while it loads the libraries."""

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1
"""Refused calls fail with EPERM: what libraries try in passing is no reason to die."""
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _PROCESSOR_AT = 0, 4

# fmt: off
_CALLS: Final = {
    # name: (x86-64, 64-bit Arm), from the kernel's tables of system calls
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216),
    "madvise": (28, 233), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "futex": (202, 98), "clock_gettime": (228, 113), "getrandom": (318, 278),
    "exit": (60, 93), "exit_group": (231, 94),
}
# fmt: on
_PROCESSORS: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the table, and the kernel's own number of the processor."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def limit() -> None:
    """No file is written, little time, memory and few files are to be had, no rights are gained, and nothing is left
    behind when the parent dies."""
    parent = os.getppid()
    for what, most in (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It died before it could be told to.
        os._exit(1)


def shut() -> bool:
    """Refuse every system call that computing does not need. Whether this processor and kernel can."""
    # Counted per user, so not before the libraries, which may start threads, are loaded; root is not held by it.
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if os.uname().machine not in _PROCESSORS:
        return False
    column, processor = _PROCESSORS[os.uname().machine]
    numbers = [numbers[column] for numbers in _CALLS.values()]
    instructions = [
        (_LOAD, 0, 0, _PROCESSOR_AT),
        (_EQUAL, 1, 0, processor),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER_AT),
        # From each comparison to the last instruction, over the ones between.
        *((_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    program = _Program(len(instructions), code)
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program)) == 0


def _prctl(option: int, *values: int) -> int:
    words = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    return int(ctypes.CDLL(None).prctl(option, *words))
