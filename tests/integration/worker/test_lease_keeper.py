"""The lease keeper over a real Redis: it renews the leases of its tasks, and queues abandoned tasks again."""

import logging
import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis as Client

from handoff_ledger import Claim, State, SyncLedger, calls
from handoff_worker.execution.lease_keeper import LeaseKeeper
from process import wait_until
from stack import Redis
from tests.integration.worker.bench import LIMITS, Bench
from tests.integration.worker.lab.contracts import WAIT

ME = "this worker"
Keep = Callable[..., LeaseKeeper]


@pytest.fixture
def held() -> list[str]:
    """The ids of the tasks that the worker has."""
    return []


@pytest.fixture
def interrupted() -> list[str]:
    """The ids of the tasks that the lease keeper interrupted."""
    return []


@pytest.fixture
def keep(redis_url: str, redis: Client, held: list[str], interrupted: list[str]) -> Iterator[Keep]:
    """Starts lease keepers for this worker."""
    redis.set("handoff:swept", int(time.time() * 1000))  # so that leases expire at once, as after a recent sweep
    keepers: list[LeaseKeeper] = []

    def start(held: Callable[[], list[str]] = lambda: list(held)) -> LeaseKeeper:
        keeper = LeaseKeeper(
            SyncLedger(redis_url),
            LIMITS,
            owner=ME,
            serves=[WAIT],
            queues=["default"],
            held=held,
            interrupt=interrupted.append,
        )
        keeper.start()
        keepers.append(keeper)
        return keeper

    yield start
    for keeper in keepers:
        keeper.stop()


def claimed(bench: Bench, owner: str = ME) -> str:
    """The id of a claimed task."""
    id = bench.accept(WAIT, {"effects": ""})
    assert isinstance(bench.ledger.run(calls.claim(id, owner, WAIT, LIMITS)), Claim)
    return id


def lease_ends(redis: Client, id: str) -> float:
    """Returns the seconds until a task's lease expires."""
    return float(redis.zscore("handoff:running", id) or 0) / 1000 - time.time()


def test_a_held_task_keeps_its_lease_and_another_loses_it(bench: Bench, keep: Keep, held: list[str]) -> None:
    mine, lost = claimed(bench), claimed(bench, "a worker that died")
    held.append(mine)
    keep()
    assert bench.reaches(lost, State.QUEUED, 30)
    task = bench.task(mine)
    assert (task.state, task.attempt) == (State.RUNNING, 1)


def test_a_lease_of_another_worker_is_not_renewed(bench: Bench, keep: Keep, held: list[str], redis: Client) -> None:
    theirs = claimed(bench, "another worker")
    before = redis.zscore("handoff:running", theirs)
    held.append(theirs)
    keep()
    assert wait_until(lambda: redis.exists(f"handoff:serves:{WAIT.name}:1") == 1, 5)
    assert redis.zscore("handoff:running", theirs) == before


def test_the_keeper_announces_what_the_worker_serves(bench: Bench, keep: Keep) -> None:
    parked = bench.accept(WAIT, {"effects": ""})
    assert bench.ledger.run(calls.park(parked)) == State.PARKED
    keep()
    assert bench.reaches(parked, State.QUEUED, 5)
    assert {queue.name for queue in bench.ledger.run(calls.queues()) if queue.served} == {"default"}


def test_a_cancelled_task_is_interrupted(bench: Bench, keep: Keep, held: list[str], interrupted: list[str]) -> None:
    id = claimed(bench)
    held += [claimed(bench), id]
    bench.ledger.run(calls.cancel(id, LIMITS))
    keep()
    assert wait_until(lambda: bool(interrupted), 5)
    assert set(interrupted) == {id}


def test_the_task_of_a_dead_process_is_released_at_once(bench: Bench, keep: Keep) -> None:
    mine, theirs = claimed(bench), claimed(bench, "another worker")
    keeper = keep()
    keeper.release(mine)
    keeper.release(theirs)
    assert bench.task(mine).state is State.QUEUED
    assert bench.task(theirs).state is State.RUNNING


def test_stopping_releases_the_workers_tasks(bench: Bench, keep: Keep, held: list[str]) -> None:
    held += [claimed(bench), "0" * 26]
    keep().stop()
    assert bench.task(held[0]).state is State.QUEUED


def test_leases_survive_an_outage_of_redis(
    bench: Bench,
    keep: Keep,
    held: list[str],
    redis: Client,
    redis_server: Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    id = claimed(bench)
    ends = time.time() + lease_ends(redis, id)
    held.append(id)
    keeper = keep()
    with caplog.at_level(logging.INFO, "handoff_worker"):
        redis_server.kill()
        assert wait_until(lambda: "Redis is away" in caplog.text, 5)
        keeper.release(id)  # as after the death of its process
        assert wait_until(lambda: time.time() > ends, 10)
        redis_server.start()
        redis_server.wait_ready()
        assert wait_until(lambda: lease_ends(redis, id) > 0, 5)
    assert bench.task(id).attempt == 1
    reasons = [record.message for record in caplog.records if "Redis is away" in record.message]
    assert len(reasons) == len({*reasons}), "each reason is logged once"


def test_an_unexpected_error_does_not_end_the_keeper(
    bench: Bench, keep: Keep, redis: Client, caplog: pytest.LogCaptureFixture
) -> None:
    id = claimed(bench)
    faults = [RuntimeError(f"something quoted: {id}")]

    def held() -> list[str]:
        if faults:
            raise faults.pop()
        return [id]

    keep(held)
    assert wait_until(lambda: not faults, 5)
    before = redis.zscore("handoff:running", id)
    assert wait_until(lambda: redis.zscore("handoff:running", id) != before, 5)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert vars(record)["error"] == "RuntimeError"
    assert id not in caplog.text
