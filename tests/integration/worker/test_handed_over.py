"""A task that is on its way to a pool process when the worker stops, or loses its connection, keeps its lease."""

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
from tests.integration.worker.floor import SOFT_SECONDS, Effects, EventListener, Floor, logs, pool
from tests.integration.worker.lab.contracts import WAIT

LONG_SECONDS = 1.5 * WAIT.policy.lease


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with Floor(tmp_path) as floor:
        yield floor


@pytest.fixture
def worker(floor: Floor) -> Worker:
    """A worker whose two pool processes have each ended a task, so the worker knows that both are free."""
    worker = floor.hire("worker")
    worker.wait_ready()
    first, listener = floor.effects("first"), EventListener(floor)
    ids = [floor.accept(WAIT, {"effects": first.path, "seconds": 2}) for _ in pool(worker)]
    assert wait_until(lambda: listener.has_received(*ids), 30), listener.received
    assert {pid for _, pid in first.lines("began")} == pool(worker)
    return worker


@contextmanager
def handed_over(floor: Floor, worker: Worker, effects: Effects, seconds: float) -> Iterator[str]:
    """Yields the id of a task that was written to a pool process, which does not read it during the block."""
    processes = pool(worker)
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    assert wait_until(lambda: all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in processes), 10)
    listener = EventListener(floor)
    id = floor.accept(WAIT, {"effects": effects.path, "seconds": seconds})
    try:
        assert wait_until(
            lambda: listener.has_received(id, events=["task-received"]), 30
        )  # sent some iterations of the event loop later
        yield id
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def test_a_stopping_worker_waits_for_the_task_and_no_longer(floor: Floor, worker: Worker) -> None:
    with handed_over(floor, worker, floor.effects("stop"), 0.1) as id:
        worker.signal(signal.SIGTERM)
        assert not worker.wait(0.5)
    assert worker.wait(SOFT_SECONDS - 5)
    assert floor.task(id).state is State.SUCCEEDED
    assert floor.task(id).attempt == 1


def test_a_lost_connection_does_not_cost_the_lease(floor: Floor, worker: Worker) -> None:
    effects = floor.effects("lost")
    with handed_over(floor, worker, effects, LONG_SECONDS) as id:
        floor.client.client_kill_filter(_type="normal", skipme=True)
        wait_until(lambda: logs([worker]).count("Connected to") == 2, 0.5)  # or still waits for its pool
    assert floor.reaches(id, State.SUCCEEDED, 30)
    assert floor.task(id).attempt == 1
    assert effects.names("began") == ["job"]


def test_a_second_message_does_not_cost_the_lease(floor: Floor, worker: Worker) -> None:
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
