"""One worker's clock is two hours ahead, then two behind: effects once, delays kept, nothing expires early."""

import time

from tests.faults.load import mixed, single
from tests.faults.operations.kill_pool_child import kill_pool_child
from tests.faults.operations.skew_clock import skew_clock
from tests.faults.scenarios.outage import working
from tests.faults.scene import Scene

DELAY_SECONDS = 3.0


def play(scene: Scene, *, quick: bool) -> None:
    worker = scene.stack.workers[1]
    for name, hours in (("ahead", 2.0), ("behind", -2.0)):
        skew_clock(worker, hours)
        load = scene.load(mixed(name, 300 if quick else 3_000, scene.random, seconds=0.02), threads=4, ahead=200)
        due = {}
        for number in range(10):
            key = f"{name}-delayed-{number}"
            due[key] = time.monotonic() + DELAY_SECONDS
            scene.submit([single(key, query=f"?delay={DELAY_SECONDS}&expires_in=600")])
        working(scene)
        kill_pool_child(scene, worker)
        load.finish()
        early = [key for key, at in due.items() if any(began < at - 0.5 for began in scene.sink.refresh().began(key))]
        scene.expect(not early, f"delayed tasks ran early: {', '.join(early)}")
