"""A rolling restart by SIGTERM of two APIs and two workers, under load."""

from process import free_port
from stack import Api
from tests.faults.load import Load
from tests.faults.operations.term_worker import term
from tests.faults.scenarios.outage import endless, working
from tests.faults.scene import Scene


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
    load = Load(endless("rolling"), urls, scene.book, scene.sink, threads=4, ahead=200).start()
    scene.loads.append(load)
    for _ in range(1 if quick else 5):
        for process in (*scene.stack.workers, scene.stack.api, second):
            working(scene)
            term(scene, process)
    load.stop()
    bad = [answer.status for answer in load.answers if answer.status >= 500]
    scene.expect(not bad, f"{len(bad)} answers were 5xx: {sorted(set(bad))}")
    scene.notes.append(f"{sum(answer.status == 0 for answer in load.answers)} connections failed")
