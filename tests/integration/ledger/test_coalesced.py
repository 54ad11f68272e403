"""`AsyncLedger.accept` joins what is submitted in one turn of the loop, or in a few while Redis is at work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic_core import to_json
from redis import Redis

from handoff_ledger import AsyncLedger, IdempotencyConflict, Receipt, Submission, calls, keys
from handoff_ledger.async_client import GROUP
from handoff_ledger.errors import LedgerMisconfigured
from tests.integration.ledger.lab import ECHO, LIMITS


def echo(text: str = "hi", **fields: Any) -> Submission:
    payload = to_json({"message": text})
    return Submission(contract=ECHO, payload=payload, canonical=payload, queue="default", **fields)


@pytest.fixture
async def ledger(redis_url: str, unhurried: None) -> AsyncIterator[AsyncLedger]:
    ledger = AsyncLedger(redis_url, LIMITS)
    await ledger.accept(echo())  # Redis knows the script now
    yield ledger
    await ledger.aclose()


@pytest.fixture
def round_trips(ledger: AsyncLedger, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digest of the script of each round trip of this client. An API of another test may use the same Redis."""
    made: list[str] = []
    evalsha = ledger.redis.evalsha

    async def noted(sha: str, *args: Any) -> Any:
        made.append(sha)
        return await evalsha(sha, *args)

    monkeypatch.setattr(ledger.redis, "evalsha", noted)
    return made


@pytest.mark.parametrize(("tasks", "steps"), [(1, 1), (GROUP, 1), (GROUP + 1, 2), (10 * GROUP, 10)])
async def test_it_takes_a_round_trip_a_group(
    ledger: AsyncLedger, redis: Redis, round_trips: list[str], tasks: int, steps: int
) -> None:
    several = [echo(str(number)) for number in range(tasks)]
    receipts = await asyncio.gather(*map(ledger.accept, several))
    assert [receipt.id for receipt in receipts] == [each.id for each in several]
    assert len(round_trips) == steps
    assert redis.llen("default") == 1 + tasks


async def test_the_next_turn_is_another_round_trip(ledger: AsyncLedger, round_trips: list[str]) -> None:
    await ledger.accept(echo("1"))
    await ledger.accept(echo("2"))
    assert len(round_trips) == 2


async def test_what_comes_in_several_turns_is_joined_while_redis_is_at_work(
    ledger: AsyncLedger, redis: Redis, round_trips: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # No turn of the loop is too late to join.
    monkeypatch.setattr("handoff_ledger.async_client.COALESCE_WINDOW_SECONDS", 1.0)
    redis.client_pause(60_000, all=False)
    try:
        several = [asyncio.ensure_future(ledger.accept(echo("0")))]
        while not ledger._flushes:  # the first round trip is not under way yet
            await asyncio.wait(several, timeout=0.001)
        for number in range(3):
            several.append(asyncio.ensure_future(ledger.accept(echo(str(number)))))
            await asyncio.sleep(0)
    finally:
        redis.client_unpause()
    await asyncio.gather(*several)
    assert len(round_trips) == 2


async def test_one_that_is_refused_does_not_harm_the_others(ledger: AsyncLedger) -> None:
    several = [echo("1", key="k"), echo("2", key="k"), echo("1", key="k"), echo("3")]
    first, conflict, again, other = await asyncio.gather(*map(ledger.accept, several), return_exceptions=True)
    assert isinstance(first, Receipt)
    assert isinstance(conflict, IdempotencyConflict)
    assert again == Receipt(first.id, first.created_ms, replayed=True)
    assert isinstance(other, Receipt)


async def test_a_caller_that_went_away_does_not_harm_the_others(ledger: AsyncLedger) -> None:
    gone, stays = (asyncio.ensure_future(ledger.accept(echo(text))) for text in ("1", "2"))
    await asyncio.sleep(0)  # both wait for the round trip now
    gone.cancel()
    assert isinstance(await stays, Receipt)
    assert gone.cancelled()


async def test_an_unforeseen_error_reaches_every_caller(ledger: AsyncLedger, redis: Redis) -> None:
    redis.set(keys.queued("default"), "no index")
    async with asyncio.timeout(5):
        errors = await asyncio.gather(*(ledger.accept(echo()) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in errors] == [LedgerMisconfigured] * 3


async def test_a_script_that_redis_forgot_is_sent_again(ledger: AsyncLedger, redis: Redis) -> None:
    redis.script_flush()
    submission = echo()
    assert (await ledger.accept(submission)).id == submission.id


async def test_many_readers_wait_for_a_connection(ledger: AsyncLedger) -> None:
    receipt = await ledger.accept(echo())
    tasks = await asyncio.gather(*(ledger.run(calls.read(receipt.id)) for _ in range(100)))
    assert {task.id for task in tasks} == {receipt.id}
