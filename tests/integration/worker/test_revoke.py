"""A task that an operator revokes with Celery ends as cancelled in the ledger, whatever its state."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from subprocess import run
from typing import Any, NamedTuple

import pytest
from celery import Celery

from handoff_contracts import CATALOGUE
from handoff_ledger import State
from process import wait_until
from stack import Worker
from tests.integration.worker.floor import EventListener, Floor, logs, pool
from tests.integration.worker.lab.contracts import BLOCK, WAIT

ECHO = CATALOGUE["system.echo"]
LONG = 600.0  # seconds, longer than any test


class Desk(NamedTuple):
    """An operator with a stock Celery client, two workers of one process each, and a queue without a worker."""

    floor: Floor
    celery: Celery
    workers: list[Worker]

    def revoke(self, ids: str | list[str], **options: Any) -> dict[str, dict[str, Any]]:
        """Revokes tasks, and returns each worker's reply."""
        replies = self.celery.control.revoke(ids, reply=True, limit=len(self.workers), timeout=10, **options)
        return {name: reply for each in replies or [] for name, reply in each.items()}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Floor(tmp_path_factory.mktemp("floor")) as floor:
        workers = [floor.hire(name, queues="default,bulk", processes=1) for name in ("one", "two")]
        for worker in workers:
            worker.wait_ready()
        with Celery("operator", broker=floor.url, backend=floor.url, set_as_current=False) as celery:
            yield Desk(floor, celery, workers)


def scheduled(floor: Floor, effects: str) -> str:
    return floor.accept(WAIT, {"effects": effects}, delay_ms=600_000)


def queued(floor: Floor, effects: str) -> str:
    return floor.accept(WAIT, {"effects": effects}, queue="documents")


def parked(floor: Floor, effects: str) -> str:
    id = floor.accept(replace(WAIT, version=2), {"effects": effects})
    assert floor.reaches(id, State.PARKED, 20)
    return id


def waiting(floor: Floor, effects: str) -> str:
    """A task that runs on an event loop."""
    id = floor.accept(WAIT, {"effects": effects, "seconds": LONG})
    assert floor.reaches(id, State.RUNNING, 20)
    return id


def blocking(floor: Floor, effects: str) -> str:
    """A task that blocks its process."""
    id = floor.accept(BLOCK, {"effects": effects, "seconds": LONG}, queue="default")
    assert floor.reaches(id, State.RUNNING, 20)
    return id


STATES = (scheduled, queued, parked, waiting, blocking)
COMMANDS: dict[str, Callable[[Celery, str], Any]] = {
    "revoke": lambda celery, id: celery.control.revoke(id),
    "revoke with terminate": lambda celery, id: celery.control.revoke(id, terminate=True, signal="SIGKILL"),
    "terminate": lambda celery, id: celery.control.broadcast("terminate", {"signal": "TERM", "task_id": [id]}),
    "AsyncResult.revoke": lambda celery, id: celery.AsyncResult(id).revoke(),
    "AsyncResult.revoke with terminate": lambda celery, id: celery.AsyncResult(id).revoke(terminate=True),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_revoked_task_is_cancelled(
    desk: Desk, command: Callable[[Celery, str], Any], state: Callable[[Floor, str], str]
) -> None:
    floor, effects = desk.floor, desk.floor.effects("revoked")
    id = state(floor, effects.path)
    command(desk.celery, id)
    assert floor.reaches(id, State.CANCELLED, 20), logs(desk.workers)[-2000:]
    assert wait_until(lambda: str(desk.celery.AsyncResult(id).state) == "REVOKED", 10)
    assert effects.names("ended") == []
    # The ledger publishes no message of the task again, and the workers continue.
    assert floor.client.zscore(f"handoff:queued:{floor.task(id).queue}", id) is None
    assert floor.reaches(floor.accept(ECHO, {"message": "after"}), State.SUCCEEDED, 20)


def test_terminate_kills_the_process_and_flower_gets_the_event(desk: Desk) -> None:
    floor, listener = desk.floor, EventListener(desk.floor)
    before = {pid for worker in desk.workers for pid in pool(worker)}
    id = waiting(floor, floor.effects("killed").path)
    assert {reply["ok"][id] for reply in desk.revoke(id, terminate=True).values()} <= {"cancel requested", "cancelled"}
    assert floor.reaches(id, State.CANCELLED, 20)
    assert floor.task(id).attempt == 1
    events = ("task-received", "task-started", "task-revoked")
    assert wait_until(lambda: listener.has_received(id, events=events), 10), listener.received
    assert listener.events[id][-1]["terminated"] is True
    assert wait_until(lambda: len({pid for each in desk.workers for pid in pool(each)} - before) == 1, 10)


def test_each_id_has_its_own_reply(desk: Desk) -> None:
    floor = desk.floor
    done = floor.accept(ECHO, {"message": "done"})
    assert floor.reaches(done, State.SUCCEEDED, 20)
    batch = floor.accept_batch(BLOCK, {"effects": ""}, [{"name": str(at)} for at in range(BLOCK.policy.pack * 3)])
    single, never_accepted = queued(floor, ""), "0" * 26
    ids = [single, f"{batch}.1", f"{batch}.9", done, never_accepted, "5b1c0a4e-uuid", "\ud800", ""]
    for reply in desk.revoke(ids).values():
        assert reply == {
            "ok": {
                single: "cancelled",
                f"{batch}.1": "cancelled",
                f"{batch}.9": "unknown",
                done: "succeeded",
                never_accepted: "unknown",
                "5b1c0a4e-uuid": "unknown",
                "\ud800": "unknown",
                "": "unknown",
            }
        }
    assert floor.counts(batch) == {State.QUEUED: 2 * BLOCK.policy.pack, State.CANCELLED: BLOCK.policy.pack}
    became = {str(reply["ok"][batch]) for reply in desk.revoke([batch]).values()}
    assert became == {"batch cancelled, 2 tasks were open", "batch cancelled, 0 tasks were open"}
    assert floor.counts(batch) == {State.CANCELLED: 3 * BLOCK.policy.pack}


@pytest.mark.parametrize("terminate", [False, True])
def test_a_running_pack_is_cancelled(desk: Desk, terminate: bool) -> None:
    floor, effects = desk.floor, desk.floor.effects(f"pack{terminate}")
    items = [{"name": f"item{number}"} for number in range(WAIT.policy.pack)]
    batch = floor.accept_batch(WAIT, {"effects": effects.path, "seconds": 2}, items)
    assert effects.wait_for("began", WAIT.policy.concurrency)
    desk.revoke(f"{batch}.0", terminate=terminate)
    assert floor.reaches(f"{batch}.0", State.CANCELLED, 20)
    assert floor.batch(batch).state == "ended"
    assert floor.counts(batch)[State.CANCELLED] > 0


def test_a_task_is_revoked_by_the_command_line(desk: Desk) -> None:
    id = scheduled(desk.floor, "")
    command = [sys.executable, "-m", "celery", "-A", "handoff_worker", "control", "revoke", id, "0" * 26]
    answer = run(command, env=desk.workers[0].env, capture_output=True, text=True, timeout=60, check=True)
    assert f"'{id}': 'cancelled'" in answer.stdout.replace('"', "'"), answer.stdout
    assert desk.floor.task(id).state is State.CANCELLED


def test_an_id_that_another_worker_lists_as_revoked_still_runs(desk: Desk) -> None:
    """Stock Celery workers exchange lists of revoked ids, and keep them in files. The ledger ignores both."""
    floor = desk.floor
    id = queued(floor, floor.effects("listed").path)
    listed = {"from_node": "stock@elsewhere", "revoked": [id]}
    assert desk.celery.control.broadcast("hello", listed, reply=True, limit=2, timeout=10)
    assert desk.celery.control.add_consumer("documents", reply=True, limit=2, timeout=10)
    assert floor.reaches(id, State.SUCCEEDED, 20), logs(desk.workers)[-2000:]
    assert floor.client.hget("handoff:stats", "lab.wait republished") is None
