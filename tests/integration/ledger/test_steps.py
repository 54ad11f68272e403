"""A batch of any size is accepted whole, and no script works on more records than its bound."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis import Redis

from handoff_ledger import AsyncLedger, Call, ClaimRefused, LedgerUnavailable, QueueFull, State, Submission, calls, keys
from handoff_ledger.calls import RedriveFilter
from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT
from handoff_ledger.calls.items import list_items
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, PUSH, Lab

PACKS = 2 * MAX_RECORDS_PER_SCRIPT + 7
PACK = (b'[{"token":"a"},{"token":"b"}]', 2)


@pytest.fixture
async def ledger(redis_url: str, unhurried: None) -> AsyncIterator[AsyncLedger]:
    ledger = AsyncLedger(redis_url, LIMITS)
    yield ledger
    await ledger.aclose()


def large(**fields: Any) -> Submission:
    return Submission(contract=PUSH, payload=b"{}", queue="bulk", **fields)


async def accept_large(ledger: AsyncLedger, **fields: Any) -> str:
    return (await ledger.accept_batch(large(**fields), [PACK] * PACKS)).id


def sweep_to_the_end(lab: Lab) -> None:
    lab.sweep()
    while lab.more:
        lab.sweep()


async def test_a_large_batch_is_accepted_whole_and_queued_in_order(ledger: AsyncLedger, lab: Lab) -> None:
    batch = await accept_large(ledger)
    assert lab.counts(batch) == {"queued": 2 * PACKS}
    last = lab.read(f"{batch}.{PACKS - 1}")
    assert (last.state, last.batch, last.max_attempts) == (State.QUEUED, batch, PUSH.policy.max_attempts)
    assert len(lab.messages("bulk")) == MAX_RECORDS_PER_SCRIPT
    sweep_to_the_end(lab)
    assert lab.messages("bulk") == [f"{batch}.{number}" for number in range(PACKS)]
    assert lab.counts(batch) == {"queued": 2 * PACKS}
    page, _ = lab.run(list_items(batch, 1, cursor=f"{PACKS - 1}.-1"))
    assert page[0].index == 2 * (PACKS - 1)
    assert not lab.redis.exists(keys.staging(), keys.staged(), keys.batch_steps())


async def test_a_large_batch_is_replayed(ledger: AsyncLedger, lab: Lab) -> None:
    first = await accept_large(ledger, key="k", canonical=b"[]")
    again = await ledger.accept_batch(large(key="k", canonical=b"[]"), [PACK] * PACKS)
    assert (again.id, again.replayed) == (first, True)
    sweep_to_the_end(lab)
    assert len(list(lab.redis.scan_iter("handoff:task:*"))) == PACKS


async def test_packs_of_a_batch_that_is_not_accepted_are_taken_away(ledger: AsyncLedger, lab: Lab) -> None:
    ledger.limits = type(LIMITS)(queue=PACKS - 1)
    with pytest.raises(QueueFull):
        await accept_large(ledger)
    sweep_to_the_end(lab)
    assert list(lab.redis.scan_iter("handoff:[tp]*:*")) == []
    assert not lab.redis.exists(keys.staging(), keys.staged())


async def test_packs_that_are_gone_are_not_accepted(ledger: AsyncLedger, lab: Lab) -> None:
    submission = large()
    lab.run(calls.stage_packs(submission, [PACK], 1, 2))
    lab.redis.zadd(keys.staging(), {submission.id: 1})
    assert lab.sweep() == {"discarded": 2}
    with pytest.raises(LedgerUnavailable, match="gone"):
        lab.run(calls.accept_batch(submission, [PACK], LIMITS, [PACK]))
    assert lab.messages("bulk") == []


async def test_staged_packs_wait_for_their_batch(lab: Lab) -> None:
    lab.run(calls.stage_packs(large(), [PACK], 0, 0))
    assert lab.sweep() == {}


async def test_a_large_batch_is_cancelled_in_steps(ledger: AsyncLedger, lab: Lab) -> None:
    batch = await accept_large(ledger)
    running = lab.claim(f"{batch}.{MAX_RECORDS_PER_SCRIPT - 1}", PUSH)
    first = lab.run(calls.cancel_batch(batch, LIMITS, "ops"))
    assert first == (100, True)
    waiting = f"{batch}.{MAX_RECORDS_PER_SCRIPT - 2}"
    assert lab.run(calls.claim(waiting, "w1", PUSH, LIMITS)) == ClaimRefused("cancelled")
    assert lab.run(calls.cancel_batch(batch, LIMITS, "another")) == (100, True)
    sweep_to_the_end(lab)
    assert lab.counts(batch) == {"running": 2, "cancelled": 2 * PACKS - 2}
    assert lab.read(running.id).cancel_requested
    (action,), _ = lab.run(calls.actions(10))
    assert (action.by, action.about, action.tasks) == ("ops", batch, PACKS - 1)  # one pack was cancelled by its claim
    lab.run(calls.fail(running, FAULT, LIMITS, State.CANCELLED))
    sweep_to_the_end(lab)
    assert all(lab.redis.pttl(key) > 0 for key in lab.redis.scan_iter(f"handoff:*{batch}*"))


async def test_a_pack_of_a_batch_that_is_cancelled_is_not_taken_next(ledger: AsyncLedger, lab: Lab) -> None:
    batch = await accept_large(ledger)
    last = lab.claim(f"{batch}.{MAX_RECORDS_PER_SCRIPT - 1}", PUSH)
    lab.run(calls.cancel_batch(batch, LIMITS, "ops"))
    lab.redis.ltrim("bulk", 0, MAX_RECORDS_PER_SCRIPT - 150)  # the oldest message is of a pack that still waits
    assert lab.run(calls.finish_and_claim(last, b"null", LIMITS, ["bulk"])) is State.SUCCEEDED


CALLS: dict[str, Callable[[str], Call[Any]]] = {
    "sweep": lambda batch: calls.sweep("r1", LIMITS),
    "cancel_batch": lambda batch: calls.cancel_batch(batch, LIMITS),
    "redrive_all": lambda batch: calls.redrive_all(RedriveFilter(), LIMITS, "ops"),
    "list_tasks": lambda batch: calls.list_tasks(1_000),
    "list_tasks of a batch": lambda batch: calls.list_tasks(1_000, batch=batch),
    "list_tasks of another contract": lambda batch: calls.list_tasks(1_000, contract="lab.none"),
    "list_items": lambda batch: list_items(batch, 1_000, State.DEAD),
    "queues": lambda batch: calls.queues(),
    "holds": lambda batch: calls.holds(),
    "actions": lambda batch: calls.actions(1_000),
    "list_gone": lambda batch: calls.list_gone(1_000),
}


def fill(redis: Redis, lab: Lab) -> None:
    """More of everything than one script may work on."""
    many = 2 * MAX_RECORDS_PER_SCRIPT
    for number in range(2):
        for fields in ({}, {"expires_ms": 60_000}, {"delay_ms": 60_000}):
            work = [
                Submission(contract=ECHO, payload=b"{}", queue="default", **fields)  # type: ignore[arg-type]
                for _ in range(MAX_RECORDS_PER_SCRIPT)
            ]
            receipts = lab.run(calls.accept(work, LIMITS))
            ids = [receipt.id for receipt in receipts if not isinstance(receipt, Exception)]
            if "expires_ms" in fields:
                redis.zadd(keys.expiring(), dict.fromkeys(ids, 1))
            elif "delay_ms" in fields:
                lab.come_due(*ids)
            elif number:
                for id in ids:
                    lab.run(calls.park(id))
        claims = [lab.claimed(owner="gone") for _ in range(MAX_RECORDS_PER_SCRIPT)]
        lab.expire_leases(*(claim.id for claim in claims))
        lab.run(calls.note_gone([("fcm:shop", f"t{number}", "1") for number in range(MAX_RECORDS_PER_SCRIPT)], LIMITS))
    lab.run(calls.announce("w1", 600, [ECHO], ["default"]))
    for state in ("dead", "succeeded"):
        redis.zadd(keys.state(state), {f"{state}{number}": 1 + number for number in range(many)})
    redis.zadd(keys.holds(), {f"throttled fcm:{number}": 10**15 for number in range(many)})
    for number in range(many):
        redis.xadd(keys.actions(), {"by": "ops", "action": "cancel", "about": str(number), "tasks": 1})
    redis.delete("default")


async def test_no_script_works_on_more_records_than_its_bound(ledger: AsyncLedger, redis: Redis, lab: Lab) -> None:
    batch = await accept_large(ledger)
    await asyncio.to_thread(fill, redis, lab)
    for name, call in CALLS.items():
        redis.config_resetstat()
        reply = await ledger.run(call(batch))
        stats = redis.info("commandstats")
        reads = stats.get("cmdstat_hgetall", {"calls": 0})["calls"]
        writes = stats.get("cmdstat_hset", {"calls": 0})["calls"]
        assert reads <= 2 * MAX_RECORDS_PER_SCRIPT + 10, (
            f"{name} read {reads} records"
        )  # a list reads each record twice
        assert writes <= 2 * MAX_RECORDS_PER_SCRIPT + 10, f"{name} wrote {writes} records"
        if isinstance(reply, tuple) and isinstance(reply[0], list):
            assert len(reply[0]) <= 1_000, name
