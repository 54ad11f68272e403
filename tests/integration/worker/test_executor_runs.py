"""What a pool process takes after a task, and when it takes nothing."""

import math
from collections.abc import Iterator
from typing import TypeVar

import pytest
from redis import Redis

from handoff_ledger import Claim, LedgerUnavailable, State, SyncLedger, calls
from handoff_worker.binding import Binding
from handoff_worker.errors import Fail, Retry
from handoff_worker.execution.executor import Executor
from handoff_worker.execution.run_result import RunResult
from services.worker.tests.support import resources
from tests.integration.worker.bench import LIMITS, Bench
from tests.integration.worker.runs import ASK, ME, Answer, Ask, Handler, echo

T = TypeVar("T")
BINDING = Binding(ASK, echo, asynchronous=True)
LONG = math.inf


class Looks:
    """Whether the worker stops: from the n-th look on."""

    def __init__(self) -> None:
        self.after = math.inf

    def __call__(self) -> bool:
        self.after -= 1
        return self.after < 0


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def executor(redis_url: str, looks: Looks) -> Iterator[Executor]:
    executor = Executor(SyncLedger(redis_url), LIMITS, resources(), ME, looks, ["high", "default"])
    yield executor
    executor.close()


@pytest.fixture
def ids(bench: Bench, redis_url: str) -> list[str]:
    """Two tasks; the message of the first one has come."""
    ids = [bench.accept(ASK, {"text": text}) for text in ("one", "two")]
    with Redis.from_url(redis_url) as redis:
        redis.rpop("default")
    return ids


def test_a_task_that_succeeds_is_followed_by_the_next(bench: Bench, executor: Executor, ids: list[str]) -> None:
    result = executor.run(BINDING, ids[0], LONG)
    assert result.state is State.SUCCEEDED
    assert isinstance(result.next_claim, Claim)
    assert bench.task(ids[1]).state is State.RUNNING
    assert executor.run_claimed(BINDING, result.next_claim) == RunResult(State.SUCCEEDED)
    assert [bench.task(id).result for id in ids] == [{"text": "one"}, {"text": "two"}]


def test_it_is_not_when_the_run_has_lasted_long_enough(bench: Bench, executor: Executor, ids: list[str]) -> None:
    assert executor.run(BINDING, ids[0], 0.0) == RunResult(State.SUCCEEDED)
    assert bench.task(ids[1]).state is State.QUEUED


def test_nor_when_redis_was_away_in_between(
    bench: Bench, executor: Executor, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hard limit counts from the run's message, so what begins after an outage would be killed by it."""
    run, lost = executor._ledger.run, iter([True])

    def away(call: calls.Call[T]) -> T:
        if call.script == "finish" and next(lost, False):
            raise LedgerUnavailable("away")
        return run(call)

    monkeypatch.setattr(executor._ledger, "run", away)
    assert executor.run(BINDING, ids[0], LONG) == RunResult(State.SUCCEEDED)
    assert bench.task(ids[1]).state is State.QUEUED


async def fail(ask: Ask, _: object) -> Answer:
    raise Fail("no", "No.")


async def again(ask: Ask, _: object) -> Answer:
    raise Retry("later", "Later.")


@pytest.mark.parametrize("handler", [fail, again])
def test_nor_after_another_end(bench: Bench, executor: Executor, ids: list[str], handler: Handler) -> None:
    result = executor.run(Binding(ASK, handler, asynchronous=True), ids[0], LONG)
    assert result.state in (State.FAILED, State.SCHEDULED)
    assert result.next_claim is None
    assert bench.task(ids[1]).state is State.QUEUED


@pytest.mark.parametrize("after", [0, 1], ids=["before it is taken", "before it is run"])
def test_none_is_run_in_a_worker_that_stops(
    bench: Bench, executor: Executor, ids: list[str], looks: Looks, after: int
) -> None:
    looks.after = after
    assert executor.run(BINDING, ids[0], LONG) == RunResult(State.SUCCEEDED)
    assert (bench.task(ids[1]).state, bench.task(ids[1]).attempt) == (State.QUEUED, 0)
