"""Takes from a process all that a parser does not need. What it still needs has to be open and imported before.

It holds against what a hostile document can make of the parser's bugs: no file, no connection, no process, no signal.
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
# What each version of Landlock can forbid: to files (a mask), to TCP, and to reach out of the sandbox.
FILE_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
TCP_SINCE, TCP_RIGHTS = 4, 0b11
SCOPES_SINCE, SCOPES = 6, 0b11  # abstract sockets and signals


def confine(parent: int, memory: int, computing: int) -> None:
    """Confines this process for good; it dies with the process that started it.

    `memory`: bytes of its address space; `computing`: seconds.

    Linux alone has all of it. What a kernel or a container does not allow is left out: the limits always hold.
    """
    if sys.platform == "linux":
        with suppress(OSError), Path("/proc/self/oom_score_adj").open("w") as file:
            file.write("1000")  # when memory is short on the whole machine, this process is the one to go
        _isolate(ctypes.CDLL(None))
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open
        (resource.RLIMIT_AS, memory),
    ):
        resource.setrlimit(limit, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (computing, computing + 5))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # it died before this process was bound to it


def _isolate(libc: ctypes.CDLL) -> None:
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.unshare(NEW_USER | NEW_NET)  # a network without an interface; a container may forbid it
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
    libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # last: a change of credentials takes it back
