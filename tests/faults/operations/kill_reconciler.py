"""SIGKILL to the worker that leads the reconciling."""

import time

from process import wait_until
from tests.faults.operations.kill_worker_parent import kill_worker_parent
from tests.faults.operations.two_reconcilers import LEADER
from tests.faults.scene import Scene


def kill_reconciler(scene: Scene) -> float:
    """Kills the first worker while it alone can lead. Gives the seconds until the second leads."""
    first, second = scene.stack.workers
    second.stop()
    scene.redis.delete(LEADER)  # it may have been the second's
    wait_until(lambda: bool(scene.redis.get(LEADER)), 10)
    leader = scene.redis.get(LEADER)
    second.start()
    second.wait_ready()
    scene.expect(scene.redis.get(LEADER) == leader, "a second worker took the lead from a first that lives")
    kill = kill_worker_parent(scene, first)
    wait_until(lambda: scene.redis.get(LEADER) not in (None, leader), 10)
    first.start()
    return time.monotonic() - kill.at
