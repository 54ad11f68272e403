"""The executor over a real Redis: every item of a pack has an outcome of its own."""

from handoff_ledger import Claim, State, calls
from handoff_ledger.calls.items import list_items
from handoff_worker.errors import Fail, Retry
from handoff_worker.execution.run_result import RunResult
from handoff_worker.resources import Resources
from tests.integration.worker.bench import LIMITS, Bench
from tests.integration.worker.runs import ASK, Answer, Ask, Drain, Run


def test_a_pack_has_an_outcome_for_each_item(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        if ask.text == "3":
            raise Fail("gone")
        return Answer(text=ask.common + ask.text)

    batch = bench.accept_batch(ASK, {"common": "c"}, [{"text": str(number)} for number in range(14)])
    assert run(f"{batch}.0", handler) == RunResult(State.SUCCEEDED)
    assert bench.counts(batch) == {State.SUCCEEDED: 9, State.FAILED: 1, State.QUEUED: 4}
    assert run(f"{batch}.1", handler) == RunResult(State.SUCCEEDED)
    assert bench.counts(batch) == {State.SUCCEEDED: 13, State.FAILED: 1}
    assert bench.batch(batch).state == "ended"
    items, _ = bench.ledger.run(list_items(batch, 20))
    assert [item.result and item.result["text"] for item in items] == [
        None if number == 3 else f"c{number}" for number in range(14)
    ]


def test_a_sync_handler_runs_a_pack(bench: Bench, run: Run) -> None:
    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(5)])
    assert run(f"{batch}.0", lambda ask, _: Answer(text=ask.text)) == RunResult(State.SUCCEEDED)
    assert bench.counts(batch) == {State.SUCCEEDED: 5}


def test_only_items_without_an_outcome_are_retried_and_the_last_attempt_ends_them_dead(bench: Bench, run: Run) -> None:
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
    assert bench.due_again(pack)
    ran.clear()
    assert run(pack, handler) == RunResult(State.DEAD, "items_dead")
    assert sorted(ran) == ["1", "4"]
    assert bench.counts(batch) == {State.SUCCEEDED: 4, State.DEAD: 2}
    assert bench.batch(batch).state == "ended"
    dead, _ = bench.ledger.run(list_items(batch, 10, State.DEAD))
    assert [(item.index, item.error and item.error.code) for item in dead] == [(1, "busy"), (4, "busy")]


def test_an_interrupted_pack_skips_its_recorded_items(bench: Bench, run: Run) -> None:
    ran: list[str] = []

    async def handler(ask: Ask, _: Resources) -> Answer:
        ran.append(ask.text)
        return Answer(text=ask.text)

    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(6)])
    pack = f"{batch}.0"
    claim = bench.ledger.run(calls.claim(pack, "a worker that died", ASK, LIMITS))
    assert isinstance(claim, Claim)
    outcomes = [(0, State.SUCCEEDED, b'{"text":"0"}'), (3, State.FAILED, b'{"code":"gone","message":""}')]
    assert bench.ledger.run(calls.record(claim, outcomes))
    assert bench.ledger.run(calls.release(pack, "a worker that died", LIMITS)) == State.QUEUED
    assert run(pack, handler) == RunResult(State.SUCCEEDED)
    assert sorted(ran) == ["1", "2", "4", "5"]
    assert bench.counts(batch) == {State.SUCCEEDED: 5, State.FAILED: 1}


def test_a_cancelled_pack_stops(bench: Bench, run: Run) -> None:
    batch = ""

    async def handler(ask: Ask, _: Resources) -> Answer:
        if ask.text == "2":
            assert bench.ledger.run(calls.cancel_batch(batch, LIMITS)) == (1, False)
        return Answer(text=ask.text)

    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(10)])
    assert run(f"{batch}.0", handler) == RunResult(State.CANCELLED, "cancelled")
    counts = bench.counts(batch)
    assert 3 <= counts[State.SUCCEEDED] <= 6
    assert counts == {State.SUCCEEDED: counts[State.SUCCEEDED], State.CANCELLED: 10 - counts[State.SUCCEEDED]}


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
    assert run(pack, handler) == RunResult(State.SUCCEEDED)
    assert sorted(ran, key=int) == [str(number) for number in range(10)]
    assert bench.task(pack).attempt == 1
