"""After which tasks an executor claims the next one."""

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
    """Reports from the n-th call on that the worker stops."""

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
    """The ids of two accepted tasks."""
    ids = [bench.accept(ASK, {"text": text}) for text in ("one", "two")]
    with Redis.from_url(redis_url) as redis:
        redis.rpop("default")
    return ids


def test_a_success_claims_the_next_task(bench: Bench, executor: Executor, ids: list[str]) -> None:
    result = executor.run(BINDING, ids[0], LONG)
    assert result.state is State.SUCCEEDED
    assert isinstance(result.next_claim, Claim)
    assert bench.task(ids[1]).state is State.RUNNING
    assert executor.run_claimed(BINDING, result.next_claim) == RunResult(State.SUCCEEDED)
    assert [bench.task(id).result for id in ids] == [{"text": "one"}, {"text": "two"}]


def test_a_success_after_the_deadline_claims_nothing(bench: Bench, executor: Executor, ids: list[str]) -> None:
    assert executor.run(BINDING, ids[0], 0.0) == RunResult(State.SUCCEEDED)
    assert bench.task(ids[1]).state is State.QUEUED


def test_a_success_after_an_outage_claims_nothing(
    bench: Bench, executor: Executor, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hard limit counts from the run's message, so it would kill a task that began after an outage."""
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
def test_any_other_outcome_claims_nothing(bench: Bench, executor: Executor, ids: list[str], handler: Handler) -> None:
    result = executor.run(Binding(ASK, handler, asynchronous=True), ids[0], LONG)
    assert result.state in (State.FAILED, State.SCHEDULED)
    assert result.next_claim is None
    assert bench.task(ids[1]).state is State.QUEUED


@pytest.mark.parametrize("after", [0, 1], ids=["before it is taken", "before it is run"])
def test_a_stopping_worker_claims_nothing(
    bench: Bench, executor: Executor, ids: list[str], looks: Looks, after: int
) -> None:
    looks.after = after
    assert executor.run(BINDING, ids[0], LONG) == RunResult(State.SUCCEEDED)
    assert (bench.task(ids[1]).state, bench.task(ids[1]).attempt) == (State.QUEUED, 0)
