"""Redis goes away under load and comes back: killed, or its port dropped without a word."""

import itertools
import time
from collections.abc import Iterator

from process import wait_until
from tests.faults.load import Job, Load, single
from tests.faults.operations.drop_redis import drop_redis
from tests.faults.operations.kill_redis import kill_redis
from tests.faults.scene import Scene

RESUMED_SECONDS = 15.0
DROPPED_SECONDS = 8.0  # the outage itself
LONG_SECONDS = 73.0  # by then Celery's own next attempt to connect would be 17 s away


def killed(scene: Scene, *, quick: bool) -> None:
    load = scene.load(endless("killed"), threads=4, ahead=100)
    away = [6.0] if quick else [LONG_SECONDS, 6.0, *(scene.random.uniform(0, 3) for _ in range(18))]
    resumed = []
    for seconds in away:
        working(scene)
        resumed.append(resumes(scene, kill_redis(scene, seconds)))
    stop(scene, load, resumed)


def dropped(scene: Scene, *, quick: bool) -> None:
    load = scene.load(endless("dropped"), threads=4, ahead=100)
    resumed = []
    for _ in range(1 if quick else 5):
        working(scene)
        with drop_redis(scene):
            time.sleep(DROPPED_SECONDS)
        resumed.append(resumes(scene, time.monotonic()))
    stop(scene, load, resumed)


def endless(name: str) -> Iterator[Job]:
    """Work enough to last until it is stopped."""
    return (single(f"{name}-{number}", seconds=0.05) for number in itertools.count())


def working(scene: Scene) -> None:
    """Waits until effects come."""
    before = len(scene.sink.refresh().done)
    wait_until(lambda: len(scene.sink.refresh().done) > before + 50, 30)


def resumes(scene: Scene, back: float) -> float:
    """The seconds from `back` to the first request after it."""
    first = float("inf")

    def resumed() -> bool:
        nonlocal first
        first = next((request.at for request in scene.sink.refresh().requests if request.at > back), first)
        return first < float("inf")

    wait_until(resumed, 60)
    return first - back


def stop(scene: Scene, load: Load, resumed: list[float]) -> None:
    working(scene)
    load.stop()
    away = sum(answer.status == 503 for answer in load.answers)
    scene.expect(away > 0, "no request met the outage")
    scene.expect(max(resumed) <= RESUMED_SECONDS, f"work was resumed only after {max(resumed):.1f} s")
    scene.notes.append(f"resumed after {max(resumed):.1f} s at most; {away} times 503")
