"""Idempotency keys are used again when the records of their tasks are gone: each use is new work."""

from functools import partial

from process import wait_until
from tests.faults.load import single
from tests.faults.scenarios.recovery import are_done
from tests.faults.scene import Scene

KEYS = 20


def play(scene: Scene, *, quick: bool) -> None:
    rounds = 3 if quick else 20
    for number in range(rounds):
        for key in range(KEYS):
            job = single(f"reused-{number}-{key}")
            scene.client_log.write(job.key, "invoked")
            # A waiting client learns of the task's own end, a hurried one of its acceptance.
            headers = {"Idempotency-Key": f"reused-{key}", **({"Prefer": "wait=1"} if key % 2 else {})}
            answer = scene.client.ask("POST", job.path, job.body, headers)
            scene.expect(answer.status in (200, 202), f"a key was answered with {answer.status}")
            scene.client_log.write(
                job.key, "ok" if answer.status in (200, 202) else "failed", id=str(answer.body.get("id"))
            )
        wait_until(partial(are_done, scene, KEYS * (number + 1)), 60)
        expire_records(scene)
    scene.notes.append(f"{KEYS} keys used {rounds} times, each after its record was gone")


def expire_records(scene: Scene) -> None:
    """Ends the life of every record that belongs to a task, and of no key."""
    for entry in scene.client_log.entries().values():
        names = [f"handoff:{kind}:{entry.id}" for kind in ("task", "payload", "outcome")]
        scene.expired.add(entry.key)
        for name in names:
            scene.redis.pexpire(name, 1)
        wait_until(partial(are_gone, scene, names), 10)


def are_gone(scene: Scene, names: list[str]) -> bool:
    return not scene.redis.exists(*names)
