"""Redis's port drops every packet, silently: no answer, no RST, also to those who connect.

A socket filter that lets nothing through is attached to each socket of Redis, so the kernel drops what comes in before
TCP sees it. That takes neither root nor a firewall, but Linux 5.6 and the right to debug a child. Where that is
refused, as in a container without CAP_SYS_PTRACE, Redis is stopped instead (SIGSTOP): silent too, but the kernel
acknowledges what is sent, and makes connections.
"""

import ctypes
import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.scene import Scene

PIDFD_GETFD = 438
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0), 8)  # BPF: return 0, which is: drop
FILTER = struct.pack("HxxxxxxP", 1, ctypes.addressof(NOTHING))


@contextmanager
def drop_redis(scene: Scene) -> Iterator[None]:
    """Drops everything inside the block."""
    redis = scene.stack.redis
    try:
        sockets = sockets_of(redis.pid)
    except PermissionError:
        scene.notes.append("by SIGSTOP: this kernel lets no other process filter Redis's sockets")
        redis.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            redis.signal(signal.SIGCONT)
        return
    try:
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, FILTER)
        yield
    finally:
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
            each.close()


def sockets_of(pid: int) -> list[socket.socket]:
    """A process's sockets, as this process's own handles of them. Raises `PermissionError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    found = []
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if str(link.readlink()).startswith("socket:"):
                handle = libc.syscall(PIDFD_GETFD, process, int(link.name), 0)
                if handle < 0:
                    raise PermissionError(ctypes.get_errno(), "pidfd_getfd")
                found.append(socket.socket(fileno=handle))
    finally:
        os.close(process)
    return found
