"""Durable accept: a receipt means that Redis has it on disk."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis import Redis

from handoff_ledger import AsyncLedger, IdempotencyConflict, LedgerUnavailable, Submission
from handoff_ledger.async_client import GROUP
from tests.integration.ledger.lab import ECHO, LIMITS, PUSH


@pytest.fixture
async def durable(redis_url: str, unhurried: None) -> AsyncIterator[AsyncLedger]:
    ledger = AsyncLedger(redis_url, LIMITS, durable=True)
    yield ledger
    await ledger.aclose()


def echo(payload: bytes = b"{}", key: str = "") -> Submission:
    return Submission(contract=ECHO, payload=payload, canonical=payload, queue="default", key=key)


async def test_each_way_of_accepting_waits_for_the_disk(durable: AsyncLedger, redis: Redis) -> None:
    redis.config_resetstat()
    await durable.accept(echo())
    await durable.accept_batch(Submission(contract=PUSH, payload=b"{}", queue="bulk"), [(b'[{"token":"t"}]', 1)])
    assert redis.info("commandstats")["cmdstat_waitaof"]["calls"] == 2


async def test_all_of_a_turn_share_the_wait(durable: AsyncLedger, redis: Redis) -> None:
    redis.config_resetstat()
    await asyncio.gather(*(durable.accept(echo()) for _ in range(3 * GROUP)))
    assert redis.info("commandstats")["cmdstat_waitaof"]["calls"] == 1


async def test_a_replay_is_durable_and_a_conflict_a_conflict(durable: AsyncLedger) -> None:
    first = await durable.accept(echo(key="k"))
    again = await durable.accept(echo(key="k"))
    assert (again.id, again.replayed) == (first.id, True)
    with pytest.raises(IdempotencyConflict):
        await durable.accept(echo(b'{"message":"other"}', key="k"))


async def test_without_an_append_only_file_nothing_is_durable(durable: AsyncLedger, redis: Redis) -> None:
    redis.config_set("appendonly", "no")
    try:
        with pytest.raises(LedgerUnavailable, match="append-only"):
            await durable.accept(echo())
    finally:
        redis.config_set("appendonly", "yes")


async def test_the_default_does_not_wait(redis_url: str, redis: Redis) -> None:
    redis.config_resetstat()
    ledger = AsyncLedger(redis_url, LIMITS)
    await ledger.accept(echo())
    await ledger.aclose()
    assert "cmdstat_waitaof" not in redis.info("commandstats")
