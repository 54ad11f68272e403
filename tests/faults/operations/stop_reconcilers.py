"""No reconciler for a while: every worker's parent is stopped, what its pool runs goes on."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.scene import Scene


@contextmanager
def stop_reconcilers(scene: Scene) -> Iterator[None]:
    """Inside the block no worker renews a lease or sweeps."""
    parents = [worker.pid for worker in scene.stack.workers]
    for pid in parents:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        yield
    finally:
        for pid in parents:
            os.kill(pid, signal.SIGCONT)
        scene.notes.append(f"no reconciler for {time.monotonic() - began:.0f} s")
