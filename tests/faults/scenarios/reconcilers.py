"""The reconciler killed, several of them, and none: no effect twice, and then it catches up."""

import time

from process import wait_until
from tests.faults.load import batch, mixed, single
from tests.faults.operations.kill_pool_child import kill_pool_child
from tests.faults.operations.kill_reconciler import kill_reconciler
from tests.faults.operations.stop_reconcilers import stop_reconcilers
from tests.faults.operations.two_reconcilers import two_reconcilers
from tests.faults.scenarios.outage import working
from tests.faults.scene import Scene


def killed(scene: Scene) -> None:
    seconds = kill_reconciler(scene)
    scene.notes.append(f"another led after {seconds:.1f} s")
    scene.expect(seconds <= 5, f"nobody reconciled for {seconds:.1f} s")


def two(scene: Scene) -> None:
    load = scene.load(mixed("two", 500, scene.random, seconds=0.1), threads=4, ahead=300)
    with two_reconcilers(scene) as leaders:
        working(scene)
        kill_pool_child(scene, scene.stack.workers[0])
        load.finish()
    scene.expect(len(leaders) > 1, "no two workers led at once")


def none(scene: Scene, seconds: float) -> None:
    """What runs goes on meanwhile. Its lease ends, but is renewed before anybody takes the task away."""
    jobs = [single(f"none-{number}", seconds=1.5 * seconds) for number in range(3)]
    scene.submit([*jobs, batch("none-batch", 40, seconds=0.1), single("none-after")])
    wait_until(lambda: all(scene.sink.refresh().began(job.key) for job in jobs), 20)
    with stop_reconcilers(scene):
        time.sleep(seconds)
    wait_until(lambda: all(job.key in scene.sink.refresh().done for job in jobs), seconds + 20)
    again = [job.key for job in jobs if len(scene.sink.began(job.key)) > 1]
    scene.expect(not again, f"tasks that ran on were run again: {', '.join(again)}")


def play(scene: Scene, *, quick: bool) -> None:
    killed(scene)
    for worker in scene.stack.workers:
        worker.wait_ready()
    two(scene)
    none(scene, 10 if quick else 60)
