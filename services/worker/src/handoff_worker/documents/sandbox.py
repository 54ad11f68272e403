"""Confines a process to the little that a parser needs. Files must be open, and modules imported, before.

A hostile document that exploits a bug of the parser can open no file or connection, start no process and send no
signal.
"""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

NO_NEW_PRIVS, PDEATHSIG, NO_DUMP = 38, 1, 4  # prctl
NEW_USER, NEW_NET = 0x10000000, 0x40000000  # unshare
CAPABILITIES_V3 = 0x20080522
CREATE_RULESET, RESTRICT_SELF = 444, 446  # Landlock's system calls, the same on every architecture
# What Landlock can forbid, by its version: file access (a mask), TCP, and signals and sockets out of the sandbox.
FILE_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
TCP_SINCE, TCP_RIGHTS = 4, 0b11
SCOPES_SINCE, SCOPES = 6, 0b11  # abstract sockets and signals


def confine(parent: int, memory_bytes: int, cpu_seconds: int) -> None:
    """Confines this process permanently, and ties its life to that of its parent.

    `parent`: pid of the process that started it. `memory_bytes`: limit of its address space.

    Only Linux has every restriction. Those that the kernel or container does not support are skipped, but the
    resource limits always apply.
    """
    if sys.platform == "linux":
        with suppress(OSError), Path("/proc/self/oom_score_adj").open("w") as file:
            file.write("1000")  # if the machine runs out of memory, the kernel kills this process first
        _isolate(ctypes.CDLL(None))
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),  # open files stay open
        (resource.RLIMIT_AS, memory_bytes),
    ):
        resource.setrlimit(limit, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # the parent died before PDEATHSIG was set


def _isolate(libc: ctypes.CDLL) -> None:
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.unshare(NEW_USER | NEW_NET)  # no network; containers may forbid it
    libc.capset((ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0), (ctypes.c_uint32 * 6)())
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version >= 1:
        rights = (ctypes.c_uint64 * 3)(
            FILE_RIGHTS[max(since for since in FILE_RIGHTS if since <= version)],
            TCP_RIGHTS if version >= TCP_SINCE else 0,
            SCOPES if version >= SCOPES_SINCE else 0,
        )
        ruleset = libc.syscall(CREATE_RULESET, rights, ctypes.c_size_t(ctypes.sizeof(rights)), 0)
        if ruleset >= 0:
            libc.syscall(RESTRICT_SELF, ruleset, 0)
            os.close(ruleset)
    libc.prctl(NO_DUMP, 0, 0, 0, 0)
    libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # last, because a change of credentials resets it
