"""Redis reaches its memory limit with a backlog: load is shed, the backlog drains, then load is taken again."""

from process import wait_until
from tests.faults.client import Answer
from tests.faults.load import single
from tests.faults.operations.fill_redis import fill_redis
from tests.faults.operations.kill_worker_parent import kill_worker_parent
from tests.faults.scene import Scene


def play(scene: Scene, *, quick: bool) -> None:
    backlog = 200 if quick else 2_000
    jobs = [single(f"backlog-{number}", seconds=0.2) for number in range(backlog)]
    scene.load(iter(jobs), ahead=backlog).finish()  # faster than it is worked off, on a slow disk too
    with fill_redis(scene):
        scene.expect(
            backlog - len(scene.sink.refresh().done) > backlog / 4, "the backlog was gone before Redis was full"
        )
        shed(scene)
        kill_worker_parent(scene, scene.stack.workers[0])
        scene.stack.workers[0].start()
        scene.stack.workers[0].wait_ready()
        drained = wait_until(lambda: {job.key for job in jobs} <= scene.sink.refresh().done, 300)
        scene.expect(drained, "the backlog did not drain while Redis was full")
    accepted = wait_until(lambda: post(scene, "after").status == 202, 30)
    scene.expect(accepted, "nothing was accepted after Redis had room again")
    scene.submit([single("after")])
    scene.redis.config_set("maxmemory", 0)


def shed(scene: Scene) -> None:
    """What is handed in is refused, and told to come back. The API looks at the memory once a second: until then Redis
    refuses by itself what does not fit, and takes what happens to.
    """
    noticed = wait_until(lambda: sheds(post(scene, "early")), 20)
    scene.expect(noticed, "a full Redis was not noticed")
    answers = [post(scene, f"full-{number}") for number in range(20)]
    statuses = {answer.status for answer in answers}
    scene.expect(statuses == {503}, f"a full Redis was answered by {sorted(statuses)}")
    scene.expect(all(answer.retry_after for answer in answers), "a 503 had no Retry-After")


def sheds(answer: Answer) -> bool:
    return answer.status == 503 and answer.body["code"] == "redis_memory"


def post(scene: Scene, key: str) -> Answer:
    """One attempt. Whatever comes of it is in the client log, as for every other request."""
    job = single(key)
    scene.client_log.write(key, "invoked")
    answer = scene.client.ask("POST", job.path, job.body, {"Idempotency-Key": key})
    if answer.status == 202:
        scene.client_log.write(key, "ok", id=answer.body["id"])
    else:
        scene.client_log.write(key, "unknown")
    return answer
