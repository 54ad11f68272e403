"""Flower's buttons without its read-only mode: each one works, or answers with the reason of the refusal."""

from collections.abc import Iterator
from pathlib import Path
from socket import gethostname

import httpx2
import pytest

from handoff_contracts import CATALOGUE
from handoff_ledger import State
from handoff_worker.celery_bridge.control import REFUSED
from process import free_port, wait_until
from stack import Flower, Worker, clean_environment
from tests.integration.worker.floor import Floor, pool
from tests.integration.worker.lab.contracts import WAIT

ECHO = CATALOGUE["system.echo"]
LOGIN = "ops:a-long-password"
WORKER = f"worker@{gethostname()}"


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    with Floor(tmp_path_factory.mktemp("floor")) as floor:
        floor.hire("worker", queues="high,default").wait_ready()
        yield floor


@pytest.fixture(scope="module")
def worker(floor: Floor) -> Worker:
    return floor.workers[0]


@pytest.fixture(scope="module")
def flower(floor: Floor) -> Iterator[httpx2.Client]:
    """A client of a Flower that has its buttons enabled and knows the worker."""
    settings = {"FLOWER_BASIC_AUTH": LOGIN, "FLOWER_COOKIE_SECRET": "a random text", "FLOWER_READ_ONLY": "false"}
    env = clean_environment() | {"CELERY_BROKER_URL": floor.url, **settings}
    flower = Flower(Path(floor.folder), env, port=free_port())
    flower.start()
    flower.wait_ready()
    user, password = LOGIN.split(":")
    with httpx2.Client(base_url=flower.url, trust_env=False, timeout=30, auth=(user, password)) as client:
        assert wait_until(lambda: WORKER in client.get("/api/workers", params={"refresh": 1}).json(), 30)
        yield client
    flower.stop()


BUTTONS: list[tuple[str, dict[str, str | int], int, str]] = [
    (f"/api/worker/pool/restart/{WORKER}", {}, 403, REFUSED["pool_restart"]),
    (f"/api/worker/pool/grow/{WORKER}", {"n": 1}, 200, "pool by 1"),
    (f"/api/worker/pool/grow/{WORKER}", {"n": 1000}, 403, "A pool grows by 1 to 100 processes at once."),
    (f"/api/worker/pool/shrink/{WORKER}", {"n": 1}, 200, "pool by 1"),
    (f"/api/worker/pool/shrink/{WORKER}", {"n": 100}, 403, "must keep at least one"),
    (f"/api/worker/pool/autoscale/{WORKER}", {"min": 1, "max": 2}, 403, "started without --autoscale"),
    (f"/api/worker/queue/add-consumer/{WORKER}", {"queue": "celery"}, 403, "Handoff's queues are"),
    (f"/api/worker/queue/add-consumer/{WORKER}", {"queue": "bulk"}, 200, "add consumer bulk"),
    (f"/api/worker/queue/cancel-consumer/{WORKER}", {"queue": "bulk"}, 200, "no longer consuming from bulk"),
    ("/api/task/apply/lab.wait", {}, 404, "Unknown task"),
    ("/api/task/async-apply/lab.wait", {}, 404, "Unknown task"),
    ("/api/task/timeout/lab.wait", {"workername": WORKER, "hard": 1}, 404, "Unknown task"),
    ("/api/task/rate-limit/lab.wait", {"workername": WORKER, "ratelimit": "1/h"}, 404, "Unknown task"),
]


@pytest.mark.parametrize(("path", "query", "status", "text"), BUTTONS)
def test_a_button_works_or_explains_its_refusal(
    floor: Floor, flower: httpx2.Client, path: str, query: dict[str, str | int], status: int, text: str
) -> None:
    answer = flower.post(path, params=query)
    assert (answer.status_code, text in answer.text) == (status, True), answer.text
    assert floor.reaches(floor.accept(ECHO, {"message": "after"}), State.SUCCEEDED, 20)


@pytest.mark.parametrize("terminate", ["", "true"])
def test_the_revoke_button_cancels_in_the_ledger(floor: Floor, flower: httpx2.Client, terminate: str) -> None:
    waiting = floor.accept(WAIT, {"effects": ""}, delay_ms=600_000)
    running = floor.accept(WAIT, {"effects": floor.effects("running").path, "seconds": 600})
    assert floor.reaches(running, State.RUNNING, 20)
    for id in (waiting, running):
        flower.post(f"/api/task/revoke/{id}", params={"terminate": terminate} if terminate else {}).raise_for_status()
    assert floor.reaches(waiting, State.CANCELLED, 20)
    assert floor.reaches(running, State.CANCELLED, 20)


def test_a_task_that_flower_sends_does_not_run(floor: Floor, flower: httpx2.Client) -> None:
    effects = floor.effects("sent")
    answer = flower.post("/api/task/send-task/lab.wait", json={"kwargs": {"effects": effects.path}})
    assert answer.status_code == 200
    assert floor.reaches(floor.accept(ECHO, {"message": "after"}), State.SUCCEEDED, 20)
    assert effects.names("began") == []


def test_the_shutdown_button_stops_the_worker(floor: Floor, flower: httpx2.Client, worker: Worker) -> None:
    assert len(pool(worker)) >= 1
    flower.post(f"/api/worker/shutdown/{WORKER}").raise_for_status()
    assert worker.wait(worker.grace)
    assert worker.exit_code == 0
