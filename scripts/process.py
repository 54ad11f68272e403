"""A child process that is waited for by asking it, and that never outlives the process which started it."""

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
    """A process ended early, or was not ready in time; the message holds the end of its log."""


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Asks every 20 ms until the condition holds; False when the seconds are over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


_given: set[int] = set()  # ports: perhaps nothing listens there yet


def free_port() -> int:
    """A port that nothing listens on and nobody in this process was given before, below the ranges from which systems
    take ports for outgoing connections.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if port not in _given and is_free(port):
            _given.add(port)
            return port


def is_free(port: int) -> bool:
    """Whether this machine's loopback can listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def take_lock(file: Path) -> bool:
    """Locks the file until this process is gone, however it ends; False when another process has it."""
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
    """Tells reaper.py which groups to kill when this process is gone, however it ended."""

    def __init__(self) -> None:
        command = [sys.executable, "-S", str(Path(__file__).with_name("reaper.py"))]
        reader, writer = os.pipe()
        self._child = subprocess.Popen(command, stdin=reader, start_new_session=True)
        os.close(reader)
        self._pipe = os.fdopen(writer, "w", buffering=1)
        atexit.register(self._close)

    def tell(self, line: str) -> None:
        self._pipe.write(f"{line}\n")

    def _close(self) -> None:
        self._pipe.close()
        self._child.wait()


_reaper = functools.cache(_Reaper)


class Process:
    """One command in a session of its own, its output appended to `folder/<name>.log`.

    `grace` is how many seconds SIGTERM may take before the whole group is killed.
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
        """Whether it answers; a subclass asks in its own way."""
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
        """None while it runs or before it started; -N after signal N."""
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
            _reaper().tell(f"+{self.pid}")

    def wait_ready(self, seconds: float = 60.0) -> None:
        if not wait_until(lambda: not self.running or self.ready(), seconds):
            raise NotReady(f"{self.name} was not ready after {seconds:.0f} s{self._tail()}")
        if not self.running:
            raise NotReady(f"{self.name} ended early with exit code {self.exit_code}{self._tail()}")

    def signal(self, number: signal.Signals) -> None:
        """Signals the parent alone, as a container's runtime does."""
        if self.running:
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """True when it has ended within the seconds."""
        return wait_until(lambda: not self.running, seconds)

    def stop(self) -> None:
        """SIGTERM to the parent, then, at the latest after `grace`, SIGKILL to whatever is left of its group."""
        stop_together([self])

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()
        _reaper().tell(f"-{self.pid}")

    def restart(self) -> None:
        self.stop()
        self.start()
        self.wait_ready()

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-20:]
        return "\n  ".join([f"\nThe end of {self.log}:", *lines])


def stop_together(processes: Sequence[Process]) -> None:
    """Stops processes that do not need each other, so that their graces run side by side."""
    for process in processes:
        process.signal(signal.SIGTERM)
    for process in processes:
        process.wait(process.grace)
        process.kill()
