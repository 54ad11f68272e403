"""SIGKILL to a worker's parent: alone, as by the kernel out of memory, or with its pool, as with a container."""

import os
import signal

from stack import Worker
from tests.faults.scene import IN_FLIGHT, PROCESSES, Kill, Scene, family


def kill_worker_parent(scene: Scene, worker: Worker, *, pool: bool = True) -> Kill:
    """Kills it; it stays away until it is started."""
    kill = scene.killed("worker parent", family(worker), PROCESSES * IN_FLIGHT)
    if pool:
        worker.kill()
    else:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(10)
    return kill
