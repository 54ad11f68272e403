"""A task on its way to a pool process, when its worker stops or loses its connection, is still the worker's."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import psutil
import pytest

from handoff_ledger import State
from process import wait_until
from stack import Worker
from tests.integration.worker.floor import SOFT_SECONDS, Ear, Effects, Floor, logs, pool
from tests.integration.worker.lab.contracts import WAIT

LONG_SECONDS = 1.5 * WAIT.policy.lease


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with Floor(tmp_path) as floor:
        yield floor


@pytest.fixture
def worker(floor: Floor) -> Worker:
    """A worker that knows of both its pool processes that they are free: it has heard each one end a task."""
    worker = floor.hire("worker")
    worker.wait_ready()
    first, ear = floor.effects("first"), Ear(floor)
    ids = [floor.accept(WAIT, {"effects": first.path, "seconds": 2}) for _ in pool(worker)]
    assert wait_until(lambda: ear.has_heard(*ids), 30), ear.heard
    assert {pid for _, pid in first.lines("began")} == pool(worker)
    return worker


@contextmanager
def handed_over(floor: Floor, worker: Worker, effects: Effects, seconds: float) -> Iterator[str]:
    """Inside the block a task is written to a pool process that has not read it. Gives the task's id."""
    processes = pool(worker)
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    assert wait_until(lambda: all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in processes), 10)
    ear = Ear(floor)
    id = floor.accept(WAIT, {"effects": effects.path, "seconds": seconds})
    try:
        assert wait_until(lambda: ear.has_heard(id, events=["task-received"]), 30)  # told some turns of the loop later
        yield id
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def test_a_worker_that_stops_waits_for_it_and_no_longer(floor: Floor, worker: Worker) -> None:
    with handed_over(floor, worker, floor.effects("stop"), 0.1) as id:
        worker.signal(signal.SIGTERM)
        assert not worker.wait(0.5)
    assert worker.wait(SOFT_SECONDS - 5)
    assert floor.task(id).state is State.SUCCEEDED
    assert floor.task(id).attempt == 1


def test_a_lost_connection_does_not_cost_its_lease(floor: Floor, worker: Worker) -> None:
    effects = floor.effects("lost")
    with handed_over(floor, worker, effects, LONG_SECONDS) as id:
        floor.client.client_kill_filter(_type="normal", skipme=True)
        wait_until(lambda: logs([worker]).count("Connected to") == 2, 0.5)  # or waits on for its pool
    assert floor.reaches(id, State.SUCCEEDED, 30)
    assert floor.task(id).attempt == 1
    assert effects.names("began") == ["job"]


def test_a_second_message_does_not_cost_its_lease(floor: Floor, worker: Worker) -> None:
    effects = floor.effects("second")
    id = floor.accept(WAIT, {"effects": effects.path, "seconds": LONG_SECONDS})
    assert effects.wait_for("began", 1)
    message = files("handoff_ledger.scripts").joinpath("message.json").read_text()
    for place, value in {"id": id, "task": WAIT.name, "queue": "default", "seq": "0", "retries": "0"}.items():
        message = message.replace(f"@{place}@", value)
    floor.client.lpush("default", message)
    assert wait_until(lambda: f"[{id}] ignored" in logs([worker]), 30)
    assert floor.reaches(id, State.SUCCEEDED, 30)
    assert floor.task(id).attempt == 1
    assert effects.names("began") == ["job"]
