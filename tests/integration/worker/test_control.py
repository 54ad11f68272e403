"""Celery's other control commands: each works or replies with the reason of its refusal."""

from collections.abc import Iterator
from dataclasses import replace
from socket import gethostname
from typing import Any, NamedTuple

import pytest
from celery import Celery
from kombu import Queue

from handoff_contracts import CATALOGUE
from handoff_contracts.queues import DOCUMENTS
from handoff_ledger import State, calls
from handoff_worker.celery_bridge.control import REFUSED
from process import wait_until
from stack import Worker
from tests.integration.worker.floor import Floor, logs, pool
from tests.integration.worker.lab.contracts import WAIT

ECHO = CATALOGUE["system.echo"]


class Desk(NamedTuple):
    """An operator with a stock Celery client, and one worker of two processes that does not serve `documents`."""

    floor: Floor
    celery: Celery
    worker: Worker

    def command(self, name: str, arguments: dict[str, Any] | None = None, worker: str = "worker") -> dict[str, Any]:
        """Sends a command to one worker, and returns its reply."""
        there = f"{worker}@{gethostname()}"
        replies = self.celery.control.broadcast(name, arguments, [there], reply=True, limit=1, timeout=10)
        assert replies, logs(self.floor.workers)[-2000:]
        reply = replies[0][there]
        assert isinstance(reply, dict)
        return reply

    def works(self) -> bool:
        return self.floor.reaches(self.floor.accept(ECHO, {"message": "after"}), State.SUCCEEDED, 20)

    def has_processes(self, count: int, worker: Worker | None = None) -> bool:
        return wait_until(lambda: len(pool(worker or self.worker)) == count, 10)

    def served(self, queue: str) -> bool:
        return next(state.served for state in self.floor.ledger.run(calls.queues()) if state.name == queue)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Floor(tmp_path_factory.mktemp("floor")) as floor:
        worker = floor.hire("worker", queues="high,default,bulk")
        worker.wait_ready()
        with Celery("operator", broker=floor.url, backend=floor.url, set_as_current=False) as celery:
            yield Desk(floor, celery, worker)


ONE_STAYS = "The pool has 2 processes, and must keep at least one."
ONE_TO_100 = "A pool grows by 1 to 100 processes at once."
NO_AUTOSCALE = "The worker was started without --autoscale. `pool_grow` and `pool_shrink` change its pool."
QUEUES_ARE = "Handoff's queues are high, default, bulk, documents."
CONSUMES = "The worker consumes high, default, bulk."
REPLIES: list[tuple[str, dict[str, Any], str]] = [
    ("rate_limit", {"task_name": "lab.wait", "rate_limit": "1/h"}, REFUSED["rate_limit"]),
    ("time_limit", {"task_name": "lab.wait", "soft": 0.1, "hard": 0.2}, REFUSED["time_limit"]),
    ("pool_restart", {"modules": ["os"], "reload": True}, REFUSED["pool_restart"]),
    ("election", {"id": "1", "topic": "task", "action": {"task": "lab.wait"}}, REFUSED["election"]),
    ("disable_events", {}, REFUSED["disable_events"]),
    ("revoke_by_stamped_headers", {"headers": ["a=b"], "terminate": True}, REFUSED["revoke_by_stamped_headers"]),
    ("revoke", {"task_id": []}, "Name from 1 to 10000 ids."),
    ("revoke", {"task_id": None}, "Name from 1 to 10000 ids."),
    ("autoscale", {"max": 3, "min": 1}, NO_AUTOSCALE),
    ("pool_shrink", {"n": 2}, ONE_STAYS),
    ("pool_shrink", {"n": 0}, ONE_STAYS),
    ("pool_shrink", {"n": -1}, ONE_STAYS),
    ("pool_grow", {"n": 0}, ONE_TO_100),
    ("pool_grow", {"n": -3}, ONE_TO_100),
    ("pool_grow", {"n": 101}, ONE_TO_100),
    ("pool_grow", {"n": "2"}, ONE_TO_100),
    ("add_consumer", {"queue": "celery"}, QUEUES_ARE),
    ("add_consumer", {"queue": ""}, QUEUES_ARE),
    ("cancel_consumer", {"queue": "documents"}, CONSUMES),
    ("cancel_consumer", {"queue": "celery"}, CONSUMES),
]


@pytest.mark.parametrize(("name", "arguments", "error"), REPLIES)
def test_a_refused_command_replies_with_the_reason(
    desk: Desk, name: str, arguments: dict[str, Any], error: str
) -> None:
    before = pool(desk.worker)
    assert desk.command(name, arguments)["error"] == error
    assert desk.works()
    assert pool(desk.worker) == before


@pytest.mark.parametrize("name", ["enable_events", "heartbeat"])
def test_an_unchanged_command_works(desk: Desk, name: str) -> None:
    assert desk.celery.control.broadcast(name, reply=True, limit=1, timeout=10)
    assert desk.works()


def test_celerys_client_reads_the_refusal_of_stamped_headers(desk: Desk) -> None:
    replies = desk.celery.control.revoke_by_stamped_headers({"a": "b"}, reply=True, limit=1, timeout=10)
    assert replies
    assert [reply["error"] for reply in replies[0].values()] == [REFUSED["revoke_by_stamped_headers"]]


def test_the_pool_grows_and_shrinks(desk: Desk) -> None:
    floor, effects = desk.floor, desk.floor.effects("grown")
    assert desk.command("pool_grow", {"n": 1}) == {"ok": "pool will grow"}
    assert desk.has_processes(3)
    ids = [floor.accept(WAIT, {"effects": effects.path, "name": f"job{at}", "seconds": 600}) for at in range(3)]
    assert effects.wait_for("began", 3), logs([desk.worker])[-2000:]
    busy = desk.command("pool_shrink", {"n": 1})
    assert busy == {"error": "Too few processes were idle. The pool has 3 processes now."}
    desk.command("revoke", {"task_id": ids})
    assert all(floor.reaches(id, State.CANCELLED, 20) for id in ids)
    assert wait_until(lambda: desk.command("pool_shrink", {"n": 1}) == {"ok": "pool will shrink"}, 20)
    assert desk.has_processes(2)
    assert desk.works()


def test_a_queue_is_cancelled_and_added_again(desk: Desk) -> None:
    floor = desk.floor
    assert desk.command("cancel_consumer", {"queue": "bulk"}) == {"ok": "no longer consuming from bulk"}
    assert wait_until(lambda: not desk.served("bulk"), 30)  # the last announcement expires after 10 s
    id = floor.accept(ECHO, {"message": "waits"}, queue="bulk")
    assert desk.works()
    assert floor.task(id).state is State.QUEUED
    for queue in ("bulk", "documents"):
        assert desk.command("add_consumer", {"queue": queue, "exchange": "other", "routing_key": "other"})["ok"]
    assert wait_until(lambda: desk.served("bulk") and desk.served("documents"), 30)
    assert floor.reaches(id, State.SUCCEEDED, 20)
    assert floor.reaches(floor.accept(ECHO, {"message": "now"}, queue="documents"), State.SUCCEEDED, 20)
    assert desk.command("cancel_consumer", {"queue": "documents"})["ok"]


def test_the_last_queue_cannot_be_cancelled(desk: Desk) -> None:
    worker = desk.floor.hire("last", queues="documents")
    worker.wait_ready()
    error = "The worker consumes no other queue. `celery control shutdown` stops the worker."
    assert desk.command("cancel_consumer", {"queue": "documents"}, "last") == {"error": error}
    id = desk.floor.accept(ECHO, {"message": "runs"}, queue="documents")
    assert desk.floor.reaches(id, State.SUCCEEDED, 20)
    worker.stop()


@pytest.mark.parametrize("way", ["celery purge", "celery worker --purge"])
def test_purged_tasks_still_run(desk: Desk, way: str) -> None:
    floor = desk.floor
    ids = [floor.accept(ECHO, {"message": str(number)}, queue="documents") for number in range(20)]
    if way == "celery purge":
        with desk.celery.connection_for_write() as connection:
            assert Queue("documents", channel=connection.default_channel).purge() == 20
    worker = floor.hire("purging", *(["--purge"] if way == "celery worker --purge" else []), queues="documents")
    worker.wait_ready()
    assert all(floor.reaches(id, State.SUCCEEDED, 30) for id in ids)
    assert sum(floor.task(id).attempt for id in ids) == 20
    worker.stop()


def test_a_task_that_was_never_accepted_does_not_run(desk: Desk) -> None:
    """`celery call`, and the buttons of Flower that send a task."""
    effects = desk.floor.effects("called")
    result = desk.celery.send_task("lab.wait", kwargs={"effects": effects.path}, queue="default")
    assert desk.works()
    assert effects.names("began") == []
    assert result.state == "PENDING"


def test_autoscale_works_and_its_range_is_checked(desk: Desk) -> None:
    floor, effects = desk.floor, desk.floor.effects("scaled")
    worker = floor.hire("scaling", "--autoscale=3,1", queues="documents")
    worker.wait_ready()
    assert desk.has_processes(1, worker)
    ids = [
        floor.accept(WAIT, {"effects": effects.path, "name": f"job{at}", "seconds": 600}, queue="documents")
        for at in range(3)
    ]
    assert effects.wait_for("began", 3), logs([worker])[-2000:]
    for most, least in ((0, 0), (-1, 0), (2, 3), (101, 1), ("2", 1), (2, -1)):
        error = desk.command("autoscale", {"max": most, "min": least}, "scaling")["error"]
        assert error == "`max` must be from 1 to 100, and `min` from 0 to `max`."
    assert "pool_grow is not supported with autoscale" in desk.command("pool_grow", {"n": 1}, "scaling")["error"]
    assert desk.command("autoscale", {"max": 4, "min": 2}, "scaling") == {"ok": "autoscale now max=4 min=2"}
    fourth = floor.accept(WAIT, {"effects": effects.path, "name": "job3", "seconds": 600}, queue="documents")
    assert effects.wait_for("began", 4), logs([worker])[-2000:]
    desk.command("revoke", {"task_id": [*ids, fourth]}, "scaling")
    assert all(floor.reaches(id, State.CANCELLED, 20) for id in [*ids, fourth])
    worker.stop()


def test_celerys_other_options_break_nothing(desk: Desk) -> None:
    floor = desk.floor
    worker = floor.hire(
        *("other", "--statedb=state", "-B", "--schedule=schedule", "--max-tasks-per-child=1", "-O", "default"),
        *("--max-memory-per-child=1", "--prefetch-multiplier=10", "--without-heartbeat", "-E", "--concurrency=auto"),
        queues="documents",
    )
    worker.stop()
    worker.command = [part for part in worker.command if part not in ("--without-gossip", "--without-mingle")]
    worker.start()
    worker.wait_ready()
    ids = [floor.accept(ECHO, {"message": str(number)}, queue="documents") for number in range(20)]
    assert all(floor.reaches(id, State.SUCCEEDED, 60) for id in ids), logs([worker])[-2000:]
    worker.stop()
    assert worker.exit_code == 0


def test_shutdown_stops_a_worker_as_sigterm_does(desk: Desk) -> None:
    floor, effects = desk.floor, desk.floor.effects("shut")
    worker = floor.hire("leaving", queues="documents")
    worker.wait_ready()
    pack = [{"name": f"item{number}"} for number in range(WAIT.policy.pack)]
    batch = floor.accept_batch(replace(WAIT, queue=DOCUMENTS), {"effects": effects.path, "seconds": 3}, pack)
    assert effects.wait_for("began", WAIT.policy.concurrency)
    assert "HANDOFF_SOFT_SHUTDOWN" in desk.command("shutdown", worker="leaving")["ok"]
    assert worker.wait(worker.grace)
    assert worker.exit_code == 0
    assert not worker.ready_file.exists()
    # The pack stopped between two items and was queued again, and its attempt does not count.
    assert floor.task(f"{batch}.0").state is State.QUEUED
    assert floor.task(f"{batch}.0").attempt == 0
    assert len(effects.names("ended")) == WAIT.policy.concurrency
    assert desk.works()
