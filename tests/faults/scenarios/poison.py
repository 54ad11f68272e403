"""Tasks that kill what runs them and messages that are none, among others that must not notice."""

import time
from typing import Any

from process import wait_until
from tests.faults.drain import ENDED, page
from tests.faults.load import single
from tests.faults.operations.poison import poison
from tests.faults.scene import Scene

SLOWER_SECONDS = (
    3.0  # than without poison, at the 99th percentile; who waits for a task that turns for ever waits longer
)
CODES = {"segfault": "worker_lost", "hog": "worker_lost", "spin": "time_limit", "hang": "worker_lost"}
PACE_SECONDS = 0.03


def play(scene: Scene, *, quick: bool) -> None:
    before = [(worker.pid, worker.running) for worker in scene.stack.workers]
    count = 150 if quick else 1000
    usual = latency(scene, "usual", count)
    ids = poison(scene, [kind for kind in CODES if kind != "hang" or not quick])
    beside = latency(scene, "beside", count)
    scene.notes.append(f"p99 to start {usual:.2f} s, beside poison {beside:.2f} s")
    scene.expect(beside <= usual + SLOWER_SECONDS, f"others waited {beside:.1f} s, without poison {usual:.1f} s")
    for kind, id in ids.items():
        task = end_of(scene, id)
        found = (task["state"], (task["error"] or {}).get("code"))
        scene.expect(found == ("dead", CODES[kind]), f"{kind} ended as {found}")
        scene.expect(task["attempt"] == task["max_attempts"], f"{kind} had {task['attempt']} attempts")
    scene.expect([(worker.pid, worker.running) for worker in scene.stack.workers] == before, "a worker was replaced")


def end_of(scene: Scene, id: str) -> Any:
    wait_until(lambda: page(scene, f"/v1/tasks/{id}")["state"] in ENDED, 120)
    return page(scene, f"/v1/tasks/{id}")


def latency(scene: Scene, name: str, count: int) -> float:
    """Submits tasks at an even pace. Gives the 99th percentile of the seconds until they began."""
    accepted = {}
    for number in range(count):
        key = f"{name}-{number}"
        scene.submit([single(key)])
        accepted[key] = time.monotonic()
        time.sleep(PACE_SECONDS)  # the pace itself
    wait_until(lambda: accepted.keys() <= scene.sink.refresh().done, 60)
    first: dict[str, float] = {}
    for request in scene.sink.requests:
        first.setdefault(request.token, request.at)
    waits = sorted(first.get(key, float("inf")) - at for key, at in accepted.items())
    return max(waits[int(len(waits) * 0.99)], 0.0)
