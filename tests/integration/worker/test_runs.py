"""A run of tasks in a real worker: for an observer each task looks as if it had a message of its own."""

import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from handoff_ledger import State, calls
from handoff_worker.celery_bridge.runs import RUN_SECONDS
from process import free_port, wait_until
from stack import Flower, Worker, clean_environment
from tests.integration.worker.bench import LIMITS
from tests.integration.worker.floor import LIFE, SOFT_SECONDS, EventListener, Floor, logs
from tests.integration.worker.lab.contracts import ACT, BLOCK

SOME_SECONDS = 0.01  # a task's duration; several fit into one run


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with Floor(tmp_path) as floor:
        yield floor


def lay(floor: Floor, *names: str, **job: Any) -> list[str]:
    """Accepts tasks before a worker starts, so that one process runs them in one run, in the order of the names."""
    path = floor.effects("run").path
    return [floor.accept(ACT, {"effects": path, "name": name, **job}) for name in names]


def one_process(floor: Floor) -> Worker:
    return floor.hire("worker", processes=1)


def test_each_task_of_a_run_has_the_events_of_a_single_task(floor: Floor) -> None:
    listener = EventListener(floor)
    ids = lay(floor, *map(str, range(20)), seconds=SOME_SECONDS)
    worker = one_process(floor)
    assert wait_until(lambda: listener.has_received(*ids), 60), listener.received
    first, *_, last = ids
    starts = {id: listener.events[id][1]["timestamp"] for id in ids}
    assert any(
        starts[next] == listener.events[id][2]["timestamp"] for id, next in pairwise(ids)
    )  # so both ran in one run
    assert listener.events[last][2]["timestamp"] != starts[last]
    for id in ids:
        received, started, succeeded = listener.events[id]
        for event, with_a_message in zip((received, started), listener.events[first], strict=False):
            assert event.keys() == with_a_message.keys()
        assert succeeded.keys() == listener.events[last][2].keys()
        assert (received["name"], received["root_id"], received["retries"]) == (ACT.name, id, 0)
        assert succeeded["runtime"] > SOME_SECONDS
        assert succeeded["result"] == listener.events[last][2]["result"]
    said = [f"Task {ACT.name}[{id}] succeeded" for id in ids]
    assert wait_until(lambda: [logs([worker]).count(line) for line in said] == [1] * 20, 5)
    assert sorted(starts.values()) == list(starts.values())
    took = [listener.events[id][2]["runtime"] for id in ids]
    assert (
        sum(took) < listener.events[last][2]["timestamp"] - listener.events[first][0]["timestamp"]
    )  # so each runtime covers only its own task


def test_flower_shows_each_task_of_a_run(floor: Floor) -> None:
    settings = {
        "CELERY_BROKER_URL": floor.url,
        "HANDOFF_ENV": "development",
        "FLOWER_BASIC_AUTH": "ops:a-long-password",
    }
    flower = Flower(floor.folder, {**clean_environment(), **settings}, port=free_port())
    flower.start()
    try:
        flower.wait_ready()
        with httpx2.Client(base_url=flower.url, auth=("ops", "a-long-password"), trust_env=False, timeout=30) as client:

            def shows(id: str, state: str) -> bool:
                return wait_until(lambda: client.get("/api/tasks").json().get(id, {}).get("state") == state, 60)

            (short,) = lay(floor, "short")
            (long,) = lay(floor, "long", seconds=6)
            one_process(floor)
            assert shows(long, "STARTED")
            assert shows(short, "SUCCESS")
            assert shows(long, "SUCCESS")
            assert client.get(f"/api/task/info/{long}").json()["runtime"] > 6
    finally:
        flower.stop()


def test_a_long_task_in_a_run_is_shown_and_keeps_its_lease(floor: Floor) -> None:
    listener = EventListener(floor)
    short = lay(floor, "short")
    long = lay(floor, "long", seconds=1.5 * ACT.policy.lease)
    one_process(floor)
    assert wait_until(lambda: listener.has_received(*long, events=LIFE[:2]), 60), listener.received
    assert listener.has_received(*short), listener.received
    assert floor.task(long[0]).state is State.RUNNING
    assert floor.reaches(long[0], State.SUCCEEDED, 30)
    assert floor.task(long[0]).attempt == 1
    assert floor.effects("run").names("began") == ["short", "long"]


def test_a_handler_that_raises_affects_only_its_own_task(floor: Floor) -> None:
    listener = EventListener(floor)
    before, raising, after = lay(floor, "before", "raise", "after")
    worker = one_process(floor)
    retried = ["task-received", "task-started", "task-retried"]
    failed = ["task-received", "task-started", "task-failed"]
    assert wait_until(lambda: listener.has_received(raising, events=[*retried, *failed]), 60), listener.received
    assert wait_until(lambda: listener.has_received(before, after), 5), listener.received
    assert (floor.task(raising).state, floor.task(raising).attempt) == (State.DEAD, 2)
    assert [floor.task(id).attempt for id in (before, after)] == [1, 1]
    assert f"[{raising}] retry in" in logs([worker])
    assert f"[{raising}] dead with handler_error" in logs([worker])


def test_only_the_task_that_kills_its_process_is_charged(floor: Floor) -> None:
    listener = EventListener(floor)
    *before, poison = lay(floor, "one", "two", "die")
    after = lay(floor, "three", "four")
    one_process(floor)
    assert floor.reaches(poison, State.DEAD, 60)
    assert all(floor.reaches(id, State.SUCCEEDED, 20) for id in [*before, *after])
    assert [floor.task(id).attempt for id in (*before, poison, *after)] == [1, 1, 2, 1, 1]
    began = floor.effects("run").names("began")
    assert sorted(began) == sorted(["one", "two", "die", "die", "three", "four"])
    assert wait_until(lambda: listener.has_received(*before, *after), 5), listener.received
    twice_failed = ["task-received", "task-started", "task-failed"] * 2
    assert wait_until(lambda: listener.has_received(poison, events=twice_failed), 5), listener.received


def test_a_later_task_of_a_run_is_cancelled(floor: Floor) -> None:
    lay(floor, "before")
    (long,) = lay(floor, "long", seconds=60)
    (after,) = lay(floor, "after")
    one_process(floor)
    assert floor.effects("run").wait_for("began", 2, 60)
    floor.ledger.run(calls.cancel(long, LIMITS))
    assert floor.reaches(long, State.CANCELLED, 30)
    assert floor.reaches(after, State.SUCCEEDED, 20)
    assert floor.effects("run").names("ended") == ["before", "after"]


def test_a_stopping_worker_begins_no_further_task(floor: Floor) -> None:
    effects = floor.effects("run")
    ids = lay(floor, *map(str, range(200)), seconds=0.04)
    worker = one_process(floor)
    assert effects.wait_for("began", 2, 60)
    worker.signal(signal.SIGTERM)
    assert wait_until(lambda: not worker.ready_file.exists(), 10)  # it has received SIGTERM
    began = len(effects.names("began"))
    assert worker.wait(SOFT_SECONDS)
    assert worker.exit_code == 0, logs([worker])[-3000:]
    assert effects.names("began") == effects.names("ended")
    assert (
        len(effects.names("began")) <= began + 1 + RUN_SECONDS / 0.04
    )  # tasks of a run whose turns the parent has not read yet
    rest = ids[len(effects.names("began")) :]
    assert {(floor.task(id).state, floor.task(id).attempt) for id in rest} == {(State.QUEUED, 0)}


def test_a_queue_of_higher_priority_waits_for_at_most_one_task(floor: Floor) -> None:
    lay(floor, *["low"] * 40, seconds=0.03)
    effects = floor.effects("run")
    one_process(floor)
    assert effects.wait_for("began", 3, 60)
    urgent = floor.accept(BLOCK, {"effects": effects.path, "name": "urgent"}, queue="high")
    began = len(effects.names("began"))
    assert floor.reaches(urgent, State.SUCCEEDED, 20)
    assert effects.names("began").index("urgent") <= began + 1  # a task may have begun between the two lines above


def test_a_run_ends_soon_when_another_contract_waits(floor: Floor) -> None:
    effects = floor.effects("run")
    lay(floor, "one", "two")
    other = floor.accept(BLOCK, {"effects": effects.path, "name": "other"}, queue="default")
    lay(floor, "three")
    one_process(floor)
    assert effects.wait_for("ended", 4, 60)
    assert floor.task(other).state is State.SUCCEEDED
    assert effects.names("began") == ["one", "two", "other", "three"]


def test_no_task_waits_behind_a_long_one(floor: Floor) -> None:
    """A process claims a task only when it can run the task at once."""
    effects = floor.effects("run")
    worker = floor.hire("worker")
    worker.wait_ready()
    lay(floor, "first")
    lay(floor, "long", seconds=60)
    ids = lay(floor, *map(str, range(20)), seconds=SOME_SECONDS)
    assert all(floor.reaches(id, State.SUCCEEDED, 20) for id in ids)
    assert "long" not in effects.names("ended")
    worker.kill()  # so that it does not wait for the long task
