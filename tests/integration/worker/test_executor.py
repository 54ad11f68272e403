"""The executor over a real Redis: the ledger has the outcome when the run returns."""

import asyncio
import threading
import time
from contextvars import ContextVar

import pytest
from redis import Redis as Client

from handoff_ledger import Claim, State, calls
from handoff_worker.errors import Fail, Retry
from handoff_worker.execution.run_result import RunResult
from handoff_worker.resources import Resources
from stack import Redis
from tests.integration.worker.bench import LIMITS, Bench
from tests.integration.worker.runs import ASK, ME, Answer, Ask, Run, echo


def test_a_task_on_the_event_loop_succeeds(bench: Bench, run: Run, redis: Client) -> None:
    id = bench.accept(ASK, {"text": "hello"})
    assert run(id, echo) == RunResult(State.SUCCEEDED)
    task = bench.task(id)
    assert (task.state, task.result, task.attempt) == (State.SUCCEEDED, {"text": "hello"}, 1)
    assert task.finished_at
    assert '"status":"SUCCESS"' in str(redis.get(f"celery-task-meta-{id}"))


def test_a_sync_task_runs_in_this_thread(bench: Bench, run: Run) -> None:
    threads = []

    def handler(ask: Ask, _: Resources) -> Answer:
        threads.append(threading.current_thread())
        return Answer(text=ask.text)

    id = bench.accept(ASK, {"text": "hello"})
    assert run(id, handler) == RunResult(State.SUCCEEDED)
    assert bench.task(id).result == {"text": "hello"}
    assert threads == [threading.main_thread()]


def test_a_failure_ends_the_task(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        raise Fail("gone", "The device is gone.")

    id = bench.accept(ASK, {})
    assert run(id, handler) == RunResult(State.FAILED, "gone")
    task = bench.task(id)
    assert task.state is State.FAILED
    assert task.error
    assert (task.error.code, task.error.message) == ("gone", "The device is gone.")


def test_a_task_is_retried_until_its_attempts_are_used_up(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        raise Retry("busy")

    id = bench.accept(ASK, {})
    result = run(id, handler)
    assert (result.state, result.code) == (State.SCHEDULED, "busy")
    assert 0.05 <= result.after <= 0.0625
    assert bench.due_again(id)
    assert run(id, handler).state is State.DEAD
    task = bench.task(id)
    assert (task.state, task.attempt) == (State.DEAD, 2)
    assert task.error
    assert task.error.code == "busy"


def test_the_requested_delay_is_kept(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        raise Retry("busy", after=3600)

    id = bench.accept(ASK, {})
    began = time.time()
    result = run(id, handler)
    assert 3600 <= result.after <= 4500
    task = bench.task(id)
    assert task.state is State.SCHEDULED
    assert task.due_at
    assert began - 1 < task.due_at.timestamp() - result.after < time.time() + 1


def test_a_cancelled_task_stops(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})

    async def handler(ask: Ask, _: Resources) -> Answer:
        bench.ledger.run(calls.cancel(id, LIMITS))
        await asyncio.sleep(60)
        return Answer(text="")

    began = time.monotonic()
    assert run(id, handler) == RunResult(State.CANCELLED, "cancelled")
    assert time.monotonic() - began < 30  # sooner than the handler would return
    assert bench.task(id).state is State.CANCELLED


@pytest.mark.parametrize("batched", [False, True])
def test_an_outcome_is_recorded_when_redis_is_back(bench: Bench, run: Run, redis_server: Redis, batched: bool) -> None:
    id = f"{bench.accept_batch(ASK, {}, [{'text': 'done'}])}.0" if batched else bench.accept(ASK, {"text": "done"})

    def come_back() -> None:
        redis_server.start()
        redis_server.wait_ready()

    later = threading.Timer(1, come_back)

    async def handler(ask: Ask, _: Resources) -> Answer:
        redis_server.kill()
        later.start()
        return Answer(text=ask.text)

    assert run(id, handler) == RunResult(State.SUCCEEDED)
    later.join()
    task = bench.task(id)
    assert (task.state, task.attempt) == (State.SUCCEEDED, 1)


@pytest.mark.parametrize("batched", [False, True])
def test_an_attempt_without_its_lease_changes_nothing(bench: Bench, run: Run, batched: bool) -> None:
    id = f"{bench.accept_batch(ASK, {}, [{}])}.0" if batched else bench.accept(ASK, {})

    async def handler(ask: Ask, _: Resources) -> Answer:
        bench.ledger.run(calls.release(id, ME, LIMITS))
        assert isinstance(bench.ledger.run(calls.claim(id, "another worker", ASK, LIMITS)), Claim)
        return Answer(text="late")

    assert run(id, handler) == RunResult(refused="stale")
    task = bench.task(id)
    assert (task.state, task.attempt, task.result) == (State.RUNNING, 2, None)
    assert task.progress is None or task.progress.done == 0


def test_context_variables_of_a_handler_end_with_its_task(bench: Bench, run: Run) -> None:
    tenant, seen = ContextVar("tenant", default="nobody"), []

    async def handler(ask: Ask, _: Resources) -> Answer:
        seen.append(tenant.get())
        tenant.set(ask.text)
        return Answer(text="")

    for text in ("ann", "bob"):
        run(bench.accept(ASK, {"text": text}), handler)
    assert seen == ["nobody", "nobody"]
