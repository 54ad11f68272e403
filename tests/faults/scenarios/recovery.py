"""A worker dies, another lives: its tasks run again within 10 s, also one that it had not begun."""

from functools import partial

from process import wait_until
from tests.faults.load import Job, single
from tests.faults.operations.kill_worker_parent import kill_worker_parent
from tests.faults.operations.stop_trick import stop_trick
from tests.faults.scene import Kill, Scene

EACH = 4  # tasks a round: enough to keep both workers busy, and for one to reach the worker that is stopped
NOTICED_SECONDS = 1.0  # a task that began later than this after a kill was held by the one that was killed
BOUND_SECONDS = 10.0


def killed(scene: Scene, *, quick: bool) -> None:
    """While it runs tasks."""
    for number in range(2 if quick else 10):
        victim = scene.stack.workers[number % 2]
        scene.submit(single(f"killed-{number}-{part}", seconds=3) for part in range(EACH))
        wait_until(partial(have_begun, scene, EACH * (number + 1)), 20)
        kill = kill_worker_parent(scene, victim)
        wait_until(partial(are_done, scene, EACH * (number + 1)), 30)
        scene.recoveries += scene.sink.recoveries(kill.at, set(kill.pids))
        victim.start()
        victim.wait_ready()
    scene.expect(len(scene.recoveries) >= number, "too few tasks were cut off to show anything")
    expect_recovery(scene)


def stopped(scene: Scene, *, quick: bool) -> None:
    """The STOP trick, again and again."""
    rounds: list[tuple[Kill, list[Job]]] = []
    for number in range(10 if quick else 50):
        victim = scene.stack.workers[number % 2]
        jobs = [single(f"stopped-{number}-{part}", seconds=0.05) for part in range(EACH)]
        rounds.append((stop_trick(scene, victim, partial(scene.submit, jobs)), jobs))
        victim.start()
        victim.wait_ready()
    wait_until(partial(are_done, scene, EACH * len(rounds)), 60)
    hits = 0
    for kill, jobs in rounds:
        late = [begun[0] - kill.at if (begun := scene.sink.began(job.key)) else float("inf") for job in jobs]
        scene.recoveries += [seconds for seconds in late if seconds > NOTICED_SECONDS]
        hits += any(seconds > NOTICED_SECONDS for seconds in late)
    scene.notes.append(f"{hits} of {len(rounds)} rounds took a message away")
    scene.expect(hits >= len(rounds) // 2, "the trick took too few messages away to show anything")
    expect_recovery(scene)


def have_begun(scene: Scene, tasks: int) -> bool:
    return len({request.token for request in scene.sink.refresh().requests}) == tasks


def are_done(scene: Scene, tasks: int) -> bool:
    return len(scene.sink.refresh().done) == tasks


def expect_recovery(scene: Scene) -> None:
    slowest = max(scene.recoveries, default=0.0)
    scene.expect(slowest <= BOUND_SECONDS, f"a killed worker's task ran again only after {slowest:.1f} s")
