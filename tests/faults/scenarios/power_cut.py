"""Durable accept: what was answered by 202 is there after Redis has lost all that it had not synced.

First the same without it: unless that loses something, the cut shows nothing. No worker runs until Redis is back: what
it did would be lost with the tail too, and be done again.
"""

import time

from process import stop_together, wait_until
from tests.faults.load import Load
from tests.faults.operations.truncate_aof import stop_syncing, truncate_aof
from tests.faults.scenarios.outage import endless
from tests.faults.scene import Scene

CLIENTS = 16


def play(scene: Scene, *, quick: bool) -> None:
    stop_together(scene.stack.workers)
    cut(scene, "undurable", durable=False)
    scene.excused |= {entry.key for entry in scene.client_log.entries().values()}
    gone = sum(unknown(scene, entry.id) for entry in scene.client_log.entries().values() if entry.status == "ok")
    scene.notes.append(f"without durable accept {gone} are gone")
    scene.expect(gone > 0, "without durable accept the cut took nothing that was accepted, so it shows nothing")
    for number in range(1 if quick else 5):
        cut(scene, f"durable-{number}", durable=True)
    for worker in scene.stack.workers:
        worker.start()
    for worker in scene.stack.workers:
        worker.wait_ready()


def cut(scene: Scene, name: str, *, durable: bool) -> None:
    """Cuts the power under a load."""
    scene.stack.api.env["HANDOFF_DURABLE_ACCEPT"] = str(durable)
    scene.stack.api.restart()
    load = scene.load(endless(name), threads=CLIENTS, ahead=1_000_000)
    taken(load, 4 * CLIENTS)
    synced = stop_syncing(scene)
    time.sleep(3)  # what comes in now is not synced
    truncate_aof(scene, synced)
    taken(load, load.submitted + 4 * CLIENTS)
    load.stop()
    load.finish()


def unknown(scene: Scene, id: str) -> bool:
    return scene.client.ask("GET", f"/v1/tasks/{id}").status == 404


def taken(load: Load, items: int) -> None:
    wait_until(lambda: load.submitted >= items, 30)
