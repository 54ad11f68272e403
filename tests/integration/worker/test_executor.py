"""The executor over a real Redis: what a run came to is in the ledger when it returns."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest
from redis import Redis as Client

from handoff_contracts import Contract, Payload, Policy, Result
from handoff_ledger import BlockingLedger, Claim, State, calls
from handoff_ledger.items import list_items
from handoff_worker.binding import Binding
from handoff_worker.execute import Ending, Executor
from handoff_worker.resources import Resources
from handoff_worker.verdicts import Fail, Retry
from process import free_port
from stack import Redis
from tests.integration.worker.bench import LIMITS, Bench


class Ask(Payload):
    text: str = ""
    common: str = ""


class Answer(Result):
    text: str


ASK = Contract(
    name="test.ask",
    version=1,
    payload=Ask,
    result=Answer,
    summary="A test.",
    policy=Policy(attempts=2, backoff=0.05, pack=10, concurrency=3),
)
ME = "this worker"
Handler = Callable[[Ask, Resources], Answer] | Callable[[Ask, Resources], Awaitable[Answer]]
Run = Callable[[str, Handler], Ending]


async def echo(ask: Ask, _: Resources) -> Answer:
    return Answer(text=ask.text)


class Drain:
    """Whether the worker stops."""

    asked = False

    def __call__(self) -> bool:
        return self.asked


@pytest.fixture
def drain() -> Drain:
    return Drain()


@pytest.fixture
def run(redis_url: str, drain: Drain) -> Iterator[Run]:
    """Runs a task with a handler, as a pool process does."""
    executor = Executor(BlockingLedger(redis_url), LIMITS, Resources(push={}), ME, drain)
    yield lambda id, handler: executor.run(Binding(ASK, handler, inspect.iscoroutinefunction(handler)), id)
    executor.close()


def queued_again(bench: Bench, id: str) -> bool:
    """Sweeps until a task that was put off is in its queue again."""
    deadline = time.monotonic() + 5
    while bench.task(id).state is State.SCHEDULED and time.monotonic() < deadline:
        bench.ledger.run(calls.sweep("a reconciler", LIMITS))
        time.sleep(0.01)
    return bench.task(id).state is State.QUEUED


def test_a_task_on_the_event_loop_succeeds(bench: Bench, run: Run, redis: Client) -> None:
    id = bench.accept(ASK, {"text": "hello"})
    assert run(id, echo) == Ending(State.SUCCEEDED)
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
    assert run(id, handler) == Ending(State.SUCCEEDED)
    assert bench.task(id).result == {"text": "hello"}
    assert threads == [threading.main_thread()]


def test_a_verdict_of_failure_ends_the_task(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        raise Fail("gone", "The device is gone.")

    id = bench.accept(ASK, {})
    assert run(id, handler) == Ending(State.FAILED, "gone")
    task = bench.task(id)
    assert task.state is State.FAILED
    assert task.error
    assert (task.error.code, task.error.message) == ("gone", "The device is gone.")


def test_it_is_tried_again_until_its_attempts_are_used_up(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        raise Retry("busy")

    id = bench.accept(ASK, {})
    ending = run(id, handler)
    assert (ending.state, ending.code) == (State.SCHEDULED, "busy")
    assert 0.05 <= ending.after <= 0.0625
    assert queued_again(bench, id)
    assert run(id, handler).state is State.DEAD
    task = bench.task(id)
    assert (task.state, task.attempt) == (State.DEAD, 2)
    assert task.error
    assert task.error.code == "busy"


def test_the_wait_that_was_asked_for_is_kept(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        raise Retry("busy", after=3600)

    id = bench.accept(ASK, {})
    ending = run(id, handler)
    assert 3600 <= ending.after <= 4500
    task = bench.task(id)
    assert task.state is State.SCHEDULED
    assert task.due_at
    assert abs(task.due_at.timestamp() - time.time() - ending.after) < 2


def test_a_pack_has_an_outcome_for_each_item(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        if ask.text == "3":
            raise Fail("gone")
        return Answer(text=ask.common + ask.text)

    batch = bench.accept_batch(ASK, {"common": "c"}, [{"text": str(number)} for number in range(14)])
    assert run(f"{batch}.0", handler) == Ending(State.SUCCEEDED)
    assert bench.counts(batch) == {State.SUCCEEDED: 9, State.FAILED: 1, State.QUEUED: 4}
    assert run(f"{batch}.1", handler) == Ending(State.SUCCEEDED)
    assert bench.counts(batch) == {State.SUCCEEDED: 13, State.FAILED: 1}
    assert bench.batch(batch).state == "ended"
    items, _ = bench.ledger.run(list_items(batch, 20))
    assert [item.result and item.result["text"] for item in items] == [
        None if number == 3 else f"c{number}" for number in range(14)
    ]


def test_a_sync_handler_runs_a_pack_too(bench: Bench, run: Run) -> None:
    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(5)])
    assert run(f"{batch}.0", lambda ask, _: Answer(text=ask.text)) == Ending(State.SUCCEEDED)
    assert bench.counts(batch) == {State.SUCCEEDED: 5}


def test_only_what_has_no_outcome_is_tried_again_and_dies_with_the_last_attempt(bench: Bench, run: Run) -> None:
    ran: list[str] = []

    async def handler(ask: Ask, _: Resources) -> Answer:
        ran.append(ask.text)
        if ask.text in ("1", "4"):
            raise Retry("busy")
        return Answer(text=ask.text)

    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(6)])
    pack = f"{batch}.0"
    assert run(pack, handler).state is State.SCHEDULED
    assert bench.counts(batch) == {State.SUCCEEDED: 4, State.SCHEDULED: 2}
    assert queued_again(bench, pack)
    ran.clear()
    assert run(pack, handler) == Ending(State.DEAD, "items_dead")
    assert sorted(ran) == ["1", "4"]
    assert bench.counts(batch) == {State.SUCCEEDED: 4, State.DEAD: 2}
    assert bench.batch(batch).state == "ended"
    dead, _ = bench.ledger.run(list_items(batch, 10, State.DEAD))
    assert [(item.index, item.error and item.error.code) for item in dead] == [(1, "busy"), (4, "busy")]


def test_a_pack_that_was_cut_goes_on_after_what_is_recorded(bench: Bench, run: Run) -> None:
    ran: list[str] = []

    async def handler(ask: Ask, _: Resources) -> Answer:
        ran.append(ask.text)
        return Answer(text=ask.text)

    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(6)])
    pack = f"{batch}.0"
    claim = bench.ledger.run(calls.claim(pack, "a worker that died", ASK, LIMITS))
    assert isinstance(claim, Claim)
    outcomes = [(0, State.SUCCEEDED, {"text": "0"}), (3, State.FAILED, {"code": "gone", "message": ""})]
    assert bench.ledger.run(calls.record(claim, outcomes, LIMITS))
    assert bench.ledger.run(calls.release(pack, "a worker that died", LIMITS)) == State.QUEUED
    assert run(pack, handler) == Ending(State.SUCCEEDED)
    assert sorted(ran) == ["1", "2", "4", "5"]
    assert bench.counts(batch) == {State.SUCCEEDED: 5, State.FAILED: 1}


def test_a_pack_whose_cancellation_is_asked_for_stops(bench: Bench, run: Run) -> None:
    batch = ""

    async def handler(ask: Ask, _: Resources) -> Answer:
        if ask.text == "2":
            assert bench.ledger.run(calls.cancel_batch(batch, LIMITS)) == 1
        return Answer(text=ask.text)

    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(10)])
    assert run(f"{batch}.0", handler) == Ending(State.CANCELLED, "cancelled")
    counts = bench.counts(batch)
    assert 3 <= counts[State.SUCCEEDED] <= 6
    assert counts == {State.SUCCEEDED: counts[State.SUCCEEDED], State.CANCELLED: 10 - counts[State.SUCCEEDED]}


def test_a_task_whose_cancellation_is_asked_for_stops(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})

    async def handler(ask: Ask, _: Resources) -> Answer:
        bench.ledger.run(calls.cancel(id, LIMITS))
        await asyncio.sleep(60)
        return Answer(text="")

    began = time.monotonic()
    assert run(id, handler) == Ending(State.CANCELLED, "cancelled")
    assert time.monotonic() - began < 5
    assert bench.task(id).state is State.CANCELLED


def test_a_pack_is_given_back_when_the_worker_stops(bench: Bench, run: Run, drain: Drain) -> None:
    ran: list[str] = []

    async def handler(ask: Ask, _: Resources) -> Answer:
        ran.append(ask.text)
        drain.asked = drain.asked or len(ran) == 4
        return Answer(text=ask.text)

    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(10)])
    pack = f"{batch}.0"
    assert run(pack, handler).state is State.QUEUED
    assert len(ran) < 10
    assert bench.counts(batch) == {State.SUCCEEDED: len(ran), State.QUEUED: 10 - len(ran)}
    assert bench.task(pack).attempt == 0
    drain.asked = False
    assert run(pack, handler) == Ending(State.SUCCEEDED)
    assert sorted(ran, key=int) == [str(number) for number in range(10)]
    assert bench.task(pack).attempt == 1


async def unwanted(ask: Ask, _: Resources) -> Answer:
    raise AssertionError("a refused task was run")


def test_what_nobody_accepted_is_refused(bench: Bench, run: Run) -> None:
    assert run("0" * 26, unwanted).refused == "unknown"


def test_what_runs_elsewhere_is_refused(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})
    bench.ledger.run(calls.claim(id, "another worker", ASK, LIMITS))
    assert run(id, unwanted).refused == State.RUNNING


def test_what_was_cancelled_is_refused(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})
    bench.ledger.run(calls.cancel(id, LIMITS))
    assert run(id, unwanted).refused == State.CANCELLED


def test_what_has_ended_is_refused(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})
    run(id, echo)
    assert run(id, unwanted).refused == State.SUCCEEDED


def test_what_has_expired_is_refused(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {}, expires_ms=1)
    time.sleep(0.01)  # the ledger's clock has to pass it
    assert run(id, unwanted).refused == State.EXPIRED
    assert bench.task(id).state is State.EXPIRED


def test_another_version_is_parked(bench: Bench, run: Run) -> None:
    id = bench.accept(replace(ASK, version=2), {})
    assert run(id, unwanted).refused == State.PARKED
    assert bench.task(id).state is State.PARKED
    assert bench.task(id).attempt == 0


def test_without_a_ledger_nothing_is_run() -> None:
    nowhere = BlockingLedger(f"redis://127.0.0.1:{free_port()}/0")
    executor = Executor(nowhere, LIMITS, Resources(push={}), ME, Drain())
    assert executor.run(Binding(ASK, unwanted, True), "0" * 26).refused == "ledger_unavailable"
    executor.close()


@pytest.mark.parametrize("batched", [False, True])
def test_what_was_done_is_recorded_when_redis_is_back(
    bench: Bench, run: Run, redis_server: Redis, batched: bool
) -> None:
    id = f"{bench.accept_batch(ASK, {}, [{'text': 'done'}])}.0" if batched else bench.accept(ASK, {"text": "done"})

    def come_back() -> None:
        redis_server.start()
        redis_server.wait_ready()

    later = threading.Timer(1, come_back)

    async def handler(ask: Ask, _: Resources) -> Answer:
        redis_server.kill()
        later.start()
        return Answer(text=ask.text)

    assert run(id, handler) == Ending(State.SUCCEEDED)
    later.join()
    task = bench.task(id)
    assert (task.state, task.attempt) == (State.SUCCEEDED, 1)


@pytest.mark.parametrize("batched", [False, True])
def test_a_run_that_lost_its_lease_changes_nothing(bench: Bench, run: Run, batched: bool) -> None:
    id = f"{bench.accept_batch(ASK, {}, [{}])}.0" if batched else bench.accept(ASK, {})

    async def handler(ask: Ask, _: Resources) -> Answer:
        bench.ledger.run(calls.release(id, ME, LIMITS))
        assert isinstance(bench.ledger.run(calls.claim(id, "another worker", ASK, LIMITS)), Claim)
        return Answer(text="late")

    assert run(id, handler) == Ending(refused="stale")
    task = bench.task(id)
    assert (task.state, task.attempt, task.result) == (State.RUNNING, 2, None)
    assert task.progress is None or task.progress.done == 0
