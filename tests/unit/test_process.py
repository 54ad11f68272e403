"""A process says why it did not start, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from process import NotReady, Process, free_port, is_free, is_locked, take_lock, wait_until

# Starts a child, writes its pid, and waits for a signal that it blocked before.
PARENT = """
import pathlib, signal, subprocess
child = subprocess.Popen(["sleep", "60"])
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
pathlib.Path("child").write_text(f"{child.pid}\\n")
signal.sigwait({signal.SIGTERM})
"""
DEAF = PARENT.replace("sigwait({signal.SIGTERM})", "sigwait({signal.SIGUSR1})")


class Parent(Process):
    def __init__(self, folder: Path, code: str = PARENT, grace: float = 5.0) -> None:
        super().__init__("parent", [sys.executable, "-c", code], folder=folder, env=os.environ, grace=grace)

    def ready(self) -> bool:
        return (self.folder / "child").exists() and (self.folder / "child").read_text().endswith("\n")

    @property
    def child(self) -> int:
        return int((self.folder / "child").read_text())


def gone(pid: int) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return asked


def test_a_stopped_process_takes_its_children_along(tmp_path: Path) -> None:
    parent = Parent(tmp_path)
    parent.start()
    parent.wait_ready()
    parent.stop()
    assert parent.exit_code == 0
    assert wait_until(gone(parent.child), 10)


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    parent = Parent(tmp_path, DEAF, grace=0.2)
    parent.start()
    parent.wait_ready()
    parent.stop()
    assert parent.exit_code == -signal.SIGKILL


def test_a_restart_starts_a_new_process(tmp_path: Path) -> None:
    parent = Parent(tmp_path)
    parent.start()
    parent.wait_ready()
    before = parent.pid
    parent.restart()
    assert parent.running
    assert parent.pid != before
    parent.kill()
    assert not parent.running


def test_an_early_exit_shows_the_end_of_the_log(tmp_path: Path) -> None:
    process = Parent(tmp_path, "import sys; sys.exit('the port is taken')")
    process.start()
    with pytest.raises(NotReady, match=r"(?s)parent ended early with exit code 1.*the port is taken"):
        process.wait_ready()


def test_waiting_for_a_process_has_a_time_limit(tmp_path: Path) -> None:
    process = Parent(tmp_path, "import time; print('thinking', flush=True); time.sleep(60)")
    process.start()
    assert wait_until(lambda: process.log.read_text() == "thinking\n", 10)
    with pytest.raises(NotReady, match=r"(?s)parent was not ready after 0 s.*thinking"):
        process.wait_ready(0.1)
    process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_nothing_outlives_a_parent_that_could_not_clean_up(tmp_path: Path, number: signal.Signals) -> None:
    starter = f"""
import pathlib, sys
sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}
from {Path(__file__).stem} import Parent
parent = Parent(pathlib.Path({str(tmp_path)!r}))
parent.start()
parent.wait_ready()
print(parent.pid, flush=True)
parent.wait(60)
"""
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        pid = int(child.stdout.readline())
        child.send_signal(number)
    assert wait_until(gone(pid), 10)
    assert wait_until(gone(Parent(tmp_path).child), 10)


def test_a_lock_has_one_holder_and_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "lock"
    holder = f"""
import pathlib, signal, sys
sys.path[:0] = {sys.path!r}
from process import take_lock
print(take_lock(pathlib.Path({str(file)!r})), flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        assert not take_lock(file)
        assert is_locked(file)
        child.kill()
    assert not is_locked(file)
    assert take_lock(file)


def test_a_free_port_can_be_listened_on() -> None:
    port = free_port()
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
    assert is_free(port)
