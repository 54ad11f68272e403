"""A confined process can compute and write to its open files, and nothing else."""

import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest

from handoff_worker.documents import sandbox

TRIES = {
    "read": "open('/etc/passwd').read()",
    "write": "open(sys.argv[1], 'w').write('x')",
    "environ": "open(f'/proc/{os.getppid()}/environ').read()",
    "connect": "socket.create_connection(('127.0.0.1', int(sys.argv[2])), 5)",
    "datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "execute": "os.execv('/bin/true', ['/bin/true'])",
    "kill": "os.kill(os.getppid(), 0)",
    "fill": "len(bytearray(1 << 30))",
}
SCRIPT = """
import ctypes, os, socket, sys
from handoff_worker.documents.sandbox import confine
confine(os.getppid(), 256 << 20, 2)
def tries():
    {}
try:
    tries()
except (OSError, MemoryError) as error:
    os.write(1, type(error).__name__.encode())
else:
    os.write(1, b"done")
"""
LANDLOCK = ctypes.CDLL(None).syscall(sandbox.CREATE_RULESET, None, ctypes.c_size_t(0), 1)


def confined(line: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", SCRIPT.format(line), *arguments]
    env = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, check=False, timeout=120, env=env)


@pytest.mark.parametrize("what", TRIES)
def test_a_confined_process_is_denied(what: str, tmp_path: Path) -> None:
    if what in ("kill", "execute") and LANDLOCK < sandbox.SCOPES_SINCE:
        pytest.skip("this kernel's Landlock can't forbid it")
    run = confined(TRIES[what], str(tmp_path / "new"), "1")
    assert run.stdout in (b"PermissionError", b"OSError", b"MemoryError"), run.stderr
    assert not any(tmp_path.iterdir())


def test_the_cpu_time_is_limited() -> None:
    assert confined("while True: pass").returncode == -signal.SIGXCPU
    assert confined("sum(range(1_000_000))").stdout == b"done"


def test_pdfium_is_built_without_scripts() -> None:
    assert not {"V8", "XFA"} & {flag.upper() for flag in pypdfium2.PDFIUM_INFO.flags}


def test_the_child_closes_inherited_files(tmp_path: Path) -> None:
    """uvloop closes none that can be inherited."""
    document = os.open(tmp_path, os.O_RDONLY)
    ours, workers = os.pipe()
    for descriptor in (document, workers):
        os.set_inheritable(descriptor, True)
    command = [sys.executable, "-m", "handoff_worker.documents.child", str(document), str(os.getpid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, close_fds=False) as process:
        os.close(workers)
        ready, _, _ = select.select([ours], [], [], 60)
        waiting = process.poll() is None  # for its options
        process.kill()
    os.close(document)
    os.close(ours)
    assert ready == [ours]
    assert waiting
