"""The executor over a real Redis: snoozes, gone recipients and unknown outcomes."""

from dataclasses import replace

from handoff_ledger import State, SyncLedger, calls
from handoff_worker.binding import Binding
from handoff_worker.errors import RecipientGone, Retry, Snooze, Unknown
from handoff_worker.execution.executor import Executor
from handoff_worker.execution.run_result import RunResult
from handoff_worker.resources import Resources
from services.worker.tests.support import resources
from tests.integration.worker.bench import LIMITS, Bench
from tests.integration.worker.runs import ASK, ME, Answer, Ask, Drain, Run


async def snooze(ask: Ask, _: Resources) -> Answer:
    raise Snooze("throttled", after=0.05)


async def unknown(ask: Ask, _: Resources) -> Answer:
    raise Unknown


def test_a_snoozed_task_waits_and_counts_no_attempt(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})
    for _ in range(ASK.policy.max_attempts + 1):
        assert run(id, snooze) == RunResult(State.SCHEDULED, "throttled", 0.05)
        assert bench.task(id).attempt == 0
        assert bench.due_again(id)


def test_a_cancelled_task_is_not_snoozed(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})

    async def handler(ask: Ask, resources: Resources) -> Answer:
        bench.ledger.run(calls.cancel(id, LIMITS))
        return await snooze(ask, resources)

    assert run(id, handler).state is State.QUEUED
    assert run(id, snooze) == RunResult(refused="cancelled")


def test_a_snoozed_pack_continues_with_its_unrecorded_items(bench: Bench, run: Run) -> None:
    ran: list[str] = []

    async def handler(ask: Ask, _: Resources) -> Answer:
        if len(ran) >= 5:
            raise Snooze("throttled", after=0.05)
        ran.append(ask.text)
        return Answer(text=ask.text)

    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(10)])
    pack = f"{batch}.0"
    assert run(pack, handler) == RunResult(State.SCHEDULED, "throttled", 0.05)
    assert bench.counts(batch) == {State.SUCCEEDED: 5, State.SCHEDULED: 5}
    done, ran[:] = set(ran), []
    assert bench.due_again(pack)
    assert run(pack, handler).state is State.SUCCEEDED
    assert done.isdisjoint(ran)
    assert bench.task(pack).attempt == 1


def test_a_snoozed_pack_retries_its_failed_items_later(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        raise Retry("busy") if ask.text == "0" else Snooze("throttled", after=0.05)

    batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(4)])
    assert run(f"{batch}.0", handler) == RunResult(State.SCHEDULED, "throttled", 0.05)
    assert bench.counts(batch) == {State.SCHEDULED: 4}


def test_gone_recipients_are_listed(bench: Bench, run: Run) -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        if ask.text in ("1", "2"):
            raise RecipientGone("fcm:shop", f"device-{ask.text}")
        return Answer(text=ask.text)

    single = bench.accept(ASK, {"text": "1"})
    assert run(single, handler) == RunResult(State.FAILED, "recipient_gone")
    pack = f"{bench.accept_batch(ASK, {}, [{'text': str(number)} for number in range(4)])}.0"
    assert run(pack, handler) == RunResult(State.SUCCEEDED)
    listed, _ = bench.ledger.run(calls.list_gone(10))
    assert sorted((gone.channel, gone.recipient, gone.task) for gone in listed) == [
        ("fcm:shop", "device-1", single),
        ("fcm:shop", "device-1", pack),
        ("fcm:shop", "device-2", pack),
    ]


def test_an_unknown_outcome_is_retried(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})
    assert run(id, unknown).state is State.SCHEDULED


def test_an_unknown_outcome_fails_if_the_policy_says_so(bench: Bench, redis_url: str, drain: Drain) -> None:
    once = replace(ASK, policy=replace(ASK.policy, unknown="give_up"))
    executor = Executor(SyncLedger(redis_url), LIMITS, resources(), ME, drain)
    id = bench.accept(ASK, {})
    assert executor.run(Binding(once, unknown, asynchronous=True), id) == RunResult(State.FAILED, "unknown")
    executor.close()
