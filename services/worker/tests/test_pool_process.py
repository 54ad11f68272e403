"""The life of a pool process."""

import subprocess
import sys

WITHOUT_PARENT = """
import os, signal
from handoff_common.settings import load
from handoff_worker.celery_bridge.pool_process import PoolProcess
from handoff_worker.settings import Settings

process = PoolProcess(load(Settings))
parent = os.getpid()
if os.fork() == 0:
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        os.sched_yield()
    process.open()
    print("opened", flush=True)
else:
    signal.pause()
"""


def test_a_pool_process_ends_when_its_parent_was_killed_before_it_opened() -> None:
    """No closed pipe would end the process, because its siblings hold the other ends of its pipes."""
    ended = subprocess.run([sys.executable, "-c", WITHOUT_PARENT], check=False, stdout=subprocess.PIPE, timeout=60)
    assert ended.returncode == -9
    assert ended.stdout == b""
