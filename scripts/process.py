"""A child process that never outlives its parent, and a way to wait until it is ready."""

import atexit
import contextlib
import fcntl
import functools
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from interrupts import uninterrupted


class NotReady(RuntimeError):
    """A process ended early or was not ready in time; the message contains the end of its log."""


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll the condition every 20 ms. Return False if it does not hold within the seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


_given_ports: set[int] = set()  # a given port may not have a listener yet


def free_port() -> int:
    """Return a free port that this process has not returned before.

    The port is below the ranges from which systems choose ports for outgoing connections.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if port not in _given_ports and is_free(port):
            _given_ports.add(port)
            return port


def is_free(port: int) -> bool:
    """Return whether a server can listen on the port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def take_lock(file: Path) -> bool:
    """Lock the file until this process ends. Return False when another process holds the lock."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True


def is_locked(file: Path) -> bool:
    """Return whether another process holds the lock of `take_lock`."""
    if not file.exists():
        return False
    with file.open() as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class _Reaper:
    """Registers process groups with reaper.py, which kills them when this process ends, even by SIGKILL."""

    def __init__(self) -> None:
        command = [sys.executable, "-S", str(Path(__file__).with_name("reaper.py"))]
        reader, writer = os.pipe()
        self._child = subprocess.Popen(command, stdin=reader, start_new_session=True)
        os.close(reader)
        self._pipe = os.fdopen(writer, "w", buffering=1)
        atexit.register(self._close)

    def send(self, line: str) -> None:
        self._pipe.write(f"{line}\n")

    def _close(self) -> None:
        self._pipe.close()
        self._child.wait()


_reaper = functools.cache(_Reaper)


class Process:
    """One command in its own session. Its output is appended to `folder/<name>.log`.

    `grace` is the number of seconds between SIGTERM and the SIGKILL to the whole group.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, folder: Path, env: Mapping[str, str], grace: float = 10.0
    ) -> None:
        self.name = name
        self.command = list(command)
        self.folder = folder
        self.env = dict(env)
        self.grace = grace
        self.log = folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    def ready(self) -> bool:
        """Return whether the process is ready. A subclass checks it."""
        return True

    @property
    def pid(self) -> int:
        if self._child is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code: None before the start and while the process runs, -N after signal N."""
        return None if self._child is None else self._child.poll()

    def start(self) -> None:
        with self.log.open("ab") as log, uninterrupted():
            self._child = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _reaper().send(f"+{self.pid}")

    def wait_ready(self, seconds: float = 60.0) -> None:
        if not wait_until(lambda: not self.running or self.ready(), seconds):
            raise NotReady(f"{self.name} was not ready after {seconds:.0f} s{self._tail()}")
        if not self.running:
            raise NotReady(f"{self.name} ended early with exit code {self.exit_code}{self._tail()}")

    def signal(self, number: signal.Signals) -> None:
        """Send the signal only to the parent process, like a container runtime."""
        if self.running:
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Return whether the process ends within the seconds."""
        return wait_until(lambda: not self.running, seconds)

    def stop(self) -> None:
        """Send SIGTERM to the parent, wait up to `grace` seconds, then send SIGKILL to the rest of its group."""
        stop_together([self])

    def kill(self) -> None:
        """Send SIGKILL to the whole group."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()
        _reaper().send(f"-{self.pid}")

    def restart(self) -> None:
        self.stop()
        self.start()
        self.wait_ready()

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-20:]
        return "\n  ".join([f"\nThe end of {self.log}:", *lines])


def stop_together(processes: Sequence[Process]) -> None:
    """Stop independent processes at the same time, so that their graces overlap."""
    for process in processes:
        process.signal(signal.SIGTERM)
    for process in processes:
        process.wait(process.grace)
        process.kill()
