"""SIGSTOP to a worker's parent, work is published, SIGKILL: Redis hands a message to one that can't take it."""

import os
import signal
from collections.abc import Callable

import psutil

from process import wait_until
from stack import Worker
from tests.faults.operations.kill_worker_parent import kill_worker_parent
from tests.faults.scene import Kill, Scene


def stop_trick(scene: Scene, worker: Worker, publish: Callable[[], object]) -> Kill:
    """The parent's pending BRPOP is answered while it is stopped: the message has left Redis, and nobody has it."""
    os.kill(worker.pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED, 5)
    publish()
    return kill_worker_parent(scene, worker)
