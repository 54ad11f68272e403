"""Durable accept: what was answered by 202 is there after Redis has lost all that it had not synced."""

import time

from process import stop_together
from tests.faults.operations.truncate_aof import stop_syncing, truncate_aof
from tests.faults.scenarios.outage import endless
from tests.faults.scene import Scene


def durable(scene: Scene, *, quick: bool) -> None:
    """No worker runs until Redis is back: what it did would be lost with the tail, and be done again."""
    cut(scene, "true")


def cut(scene: Scene, durable: str) -> None:
    stop_together(scene.stack.workers)
    scene.stack.api.env["HANDOFF_DURABLE_ACCEPT"] = durable
    scene.stack.api.restart()
    load = scene.load(endless("power"), threads=32, ahead=10_000)
    time.sleep(3)  # work is accepted and synced
    synced = stop_syncing(scene)
    time.sleep(3)  # work comes in, and is not synced
    truncate_aof(scene, synced)
    time.sleep(2)
    load.stop()
    load.finish()
    for worker in scene.stack.workers:
        worker.start()
        worker.wait_ready(60)
