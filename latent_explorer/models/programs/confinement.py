# SPDX-License-Identifier: MIT
"""Confinement of the process that runs a foreign program, as far as the system offers it without special rights.

Limits of memory and of written files: POSIX. Landlock (no file but Python's own, no signal to others) and a filter of
system calls (no sockets, no other programs): Linux. Elsewhere the process is separate, and that is all.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES, NETWORK, MEMORY = "files", "network", "memory"  # what it is kept from
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # prctl(2)
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # landlock(7); the same on all architectures
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # file rights that each version of Landlock knows
_TCP, _SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals
# System calls that are refused (EPERM): socket, execve, execveat, ptrace, process_vm_readv and _writev, kill, tkill,
# tgkill, rt_sigqueueinfo, io_uring_setup, pidfd_send_signal. From Linux's syscall_64.tbl and asm-generic/unistd.h.
_REFUSED = {
    "x86_64": (0xC000003E, (41, 59, 322, 101, 310, 311, 62, 200, 234, 129, 425, 424)),
    "aarch64": (0xC00000B7, (198, 221, 281, 117, 270, 271, 129, 130, 131, 138, 425, 424)),
}
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # of classic BPF
_X32 = 0x40000000  # numbers of x86_64's second table
_PERMIT, _REFUSE = 0x7FFF0000, 0x00050001


def confine(memory: int) -> tuple[str, ...]:
    """Confine this process for good, and return what it is kept from.

    memory  bytes that it may take beyond what it has
    """
    kept = [MEMORY] if _limit(memory) else []
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
            kept += [FILES] if _restrict_files(libc) else []
            kept += [NETWORK] if _filter_calls(libc) else []
    return tuple(kept)


def _limit(memory: int) -> bool:
    """Limit memory; no written files, no core dumps. Return True if memory is limited."""
    if sys.platform == "win32":
        return False
    import resource

    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (0, 0))
    if sys.platform != "linux":  # others do not count what a process maps
        return False
    status = Path("/proc/self/status").read_text()
    taken = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:")) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (taken + memory, taken + memory))
    return True


def _restrict_files(libc: ctypes.CDLL) -> bool:
    """Let no file be opened but those of Python and its packages, and these for reading only."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = (1 << _RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("<QQQ", rights, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        for path in _readable():
            with contextlib.suppress(OSError):
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
                allowed = _READ_FILE | (_READ_DIR if path.is_dir() else 0)
                libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("<Qi", allowed, place), 0)
                os.close(place)
        return libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _readable() -> Iterator[Path]:
    """Yield the folders of Python, its packages and the system's libraries; never one that holds the user's files."""
    home = Path.home() if "HOME" in os.environ else None
    for name in {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).parent), *sys.path}:
        path = Path(name)
        if name and path.exists() and path != Path(path.anchor) and not (home and home.is_relative_to(path.resolve())):
            yield path
    yield from map(Path, ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system"))
    yield from map(Path, ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/dev/null", "/dev/urandom"))


def _filter_calls(libc: ctypes.CDLL) -> bool:
    """Refuse the system calls of _REFUSED: no sockets, no other programs, nothing to do with other processes."""
    if platform.machine() not in _REFUSED:
        return False
    architecture, numbers = _REFUSED[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 4),  # the architecture
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, 0),  # the number of the call
        (_AT_LEAST, len(numbers) + 1, 0, _X32),
        *((_EQUAL, len(numbers) - i, 0, number) for i, number in enumerate(numbers)),
        (_RETURN, 0, 0, _PERMIT),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    return libc.prctl(_SET_SECCOMP, _FILTER, program, 0, 0) == 0
