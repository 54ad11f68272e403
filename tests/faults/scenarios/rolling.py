"""A rolling restart by SIGTERM of two APIs and two workers, under load."""

from process import free_port, wait_until
from stack import Api
from tests.faults.load import Load, single
from tests.faults.operations.term_worker import term
from tests.faults.scenarios.outage import endless, working
from tests.faults.scene import Scene, family

LONG_SECONDS = 40.0  # longer than a worker may take to stop


def play(scene: Scene, *, quick: bool) -> None:
    second = Api(scene.folder / "second", scene.stack.api.env, port=free_port())
    second.name = "second api"
    second.folder.mkdir()
    scene.extra.append(second)
    second.start()
    second.wait_ready()
    for api in (scene.stack.api, second):
        api.grace = 20  # what gunicorn gives its own processes
    urls = [scene.stack.api.url, second.url]
    load = Load(endless("rolling"), urls, scene.client_log, scene.sink, threads=4, ahead=200).start()
    scene.loads.append(load)
    rounds = 1 if quick else 5
    for number in range(1, rounds + 1):
        if not quick and number == rounds:
            long_task(scene)
        for process in (*scene.stack.workers, scene.stack.api, second):
            working(scene)
            term(scene, process)
    load.stop()
    bad = [answer.status for answer in load.answers if answer.status >= 500]
    scene.expect(not bad, f"{len(bad)} answers were 5xx: {sorted(set(bad))}")
    scene.notes.append(f"{sum(answer.status == 0 for answer in load.answers)} connections failed")


def long_task(scene: Scene) -> None:
    """Each worker that stops cuts it off at the end of its soft shutdown, and gives it back."""
    job = single("long", "faults.block", LONG_SECONDS)
    scene.submit([job])
    wait_until(lambda: bool(scene.sink.refresh().began(job.key)), 20)
    for worker in scene.stack.workers:
        scene.killed(f"{worker.name}'s pool, by its cold shutdown", family(worker), 1)
