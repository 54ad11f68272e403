"""Single tasks and batches under SIGKILLs of API, worker parents, pool processes and Redis, in random order."""

from functools import partial

from process import wait_until
from tests.faults.load import STUCK_SECONDS, Job, Load, mixed
from tests.faults.operations.kill_api import kill_api
from tests.faults.operations.kill_pool_child import kill_pool_child
from tests.faults.operations.kill_redis import kill_redis
from tests.faults.operations.kill_worker_parent import kill_worker_parent
from tests.faults.scene import Scene

QUICK = {"child": 6, "parent": 2, "parent alone": 2, "api": 1, "api process": 1, "redis": 3}
FULL = {"child": 60, "parent": 20, "parent alone": 20, "api": 10, "api process": 10, "redis": 20}


def play(scene: Scene, *, quick: bool) -> None:
    items = 8_000 if quick else 100_000
    plan = [what for what, count in (QUICK if quick else FULL).items() for _ in range(count)]
    scene.random.shuffle(plan)
    jobs = list(mixed("killing", items, scene.random))
    load = scene.load(iter(jobs), threads=8, ahead=500)
    for number, what in enumerate(plan, 1):
        # What is left after the last one lasts as long as a worker takes to be ready for a kill.
        wait_until(partial(reached, load, items * number // (len(plan) + 3)), 2 * STUCK_SECONDS)
        strike(scene, what)
    scene.expect(load.going, "the load had ended before the last kill")
    for worker in scene.stack.workers:
        worker.wait_ready()
    load.finish()
    same_answer(scene, jobs)


def same_answer(scene: Scene, jobs: list[Job]) -> None:
    """A request that is repeated later is given the same id."""
    known = scene.client_log.entries()
    sample = [job for job in scene.random.sample(jobs, 50) if known[job.key].status == "ok"]
    others = [job.key for job in sample if scene.client.submit(job.key, job.path, job.body)[1] != known[job.key].id]
    scene.expect(not others, f"{len(others)} keys stand for two tasks: {', '.join(others[:3])}")


def reached(load: Load, items: int) -> bool:
    return load.submitted >= items or not load.going


def strike(scene: Scene, what: str) -> None:
    worker = scene.random.choice(scene.stack.workers)
    if what == "redis":
        kill_redis(scene, away=scene.random.uniform(0, 1))
    elif what.startswith("api"):
        kill_api(scene, whole=what == "api")
    else:
        worker.wait_ready()
        if what == "child":
            kill_pool_child(scene, worker)
        else:
            kill_worker_parent(scene, worker, pool=what == "parent")
            worker.start()
