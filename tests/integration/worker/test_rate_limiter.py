"""The pace of a fleet: several processes' worth of senders, one Redis."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from handoff_ledger import SyncLedger
from handoff_worker.delivery.channel import Channel, send_through
from handoff_worker.delivery.rate_limiter import RateLimiter
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered
from handoff_worker.errors import Fail, RecipientGone, Retry, Snooze, Unknown

CHANNEL = Channel("fcm:shop:1f", rate=400)


@pytest.fixture
def rate_limiters(redis_url: str) -> Iterator[list[RateLimiter]]:
    ledgers = [SyncLedger(redis_url) for _ in range(3)]
    yield [RateLimiter(ledger) for ledger in ledgers]
    for ledger in ledgers:
        ledger.close()


async def test_together_they_keep_the_rate(rate_limiters: list[RateLimiter]) -> None:
    sent = 0

    async def sender(rate_limiter: RateLimiter) -> None:
        nonlocal sent
        while True:
            await rate_limiter.admit(CHANNEL.name, CHANNEL.rate)
            sent += 1

    async def all_of_them() -> None:
        async with asyncio.timeout(2), asyncio.TaskGroup() as group:
            for rate_limiter in rate_limiters:
                for _ in range(20):
                    group.create_task(sender(rate_limiter))

    rates, began = [0.0], time.monotonic()
    while max(rates) < 0.6 * CHANNEL.rate and len(rates) <= 5:  # the machine itself may stand still for a while
        before, since = sent, time.monotonic()
        with pytest.raises(TimeoutError):
            await all_of_them()
        rates.append((sent - before) / (time.monotonic() - since))
    assert sent / (time.monotonic() - began) <= 1.1 * CHANNEL.rate
    assert max(rates) >= 0.6 * CHANNEL.rate


async def test_what_would_wait_long_gives_its_place(rate_limiters: list[RateLimiter]) -> None:
    await rate_limiters[0].admit("fcm:slow:1", 0.01)
    with pytest.raises(Snooze) as held:
        await rate_limiters[1].admit("fcm:slow:1", 0.01)
    assert held.value.failure.code == "paced"
    assert 90 < held.value.after <= 100


async def responses(response: ProviderResponse) -> ProviderResponse:
    return response


async def send(rate_limiter: RateLimiter, response: ProviderResponse) -> ProviderResponse:
    return await send_through(CHANNEL, rate_limiter, lambda: responses(response), recipient="device-1")


async def test_a_throttled_sender_slows_the_whole_fleet(rate_limiters: list[RateLimiter]) -> None:
    with pytest.raises(Retry) as again:
        await send(rate_limiters[0], ProviderResponse(Category.RETRY, "quota_exceeded", retry_after=30, throttled=True))
    assert (again.value.failure.code, again.value.after) == ("quota_exceeded", 30)
    for rate_limiter in rate_limiters:
        with pytest.raises(Snooze) as held:
            await send(rate_limiter, delivered())
        assert held.value.failure.code == "throttled"
        assert 15 < held.value.after <= 30


async def test_a_rejected_credential_holds_its_channel_and_no_other(rate_limiters: list[RateLimiter]) -> None:
    with pytest.raises(Snooze) as held:
        await send(rate_limiters[0], ProviderResponse(Category.CREDENTIAL_REJECTED, "invalid_grant"))
    assert held.value.failure.code == "credential_rejected"
    with pytest.raises(Snooze):
        await send(rate_limiters[1], delivered())
    await rate_limiters[1].admit("fcm:shop:2e", 400)


async def test_every_other_category_concerns_one_item(rate_limiters: list[RateLimiter]) -> None:
    rate_limiter = rate_limiters[0]
    assert await send(rate_limiter, delivered("m-1")) == ProviderResponse(Category.DELIVERED, id="m-1")
    with pytest.raises(RecipientGone) as gone:
        await send(rate_limiter, ProviderResponse(Category.RECIPIENT_GONE, "unregistered"))
    assert (gone.value.channel, gone.value.recipient) == ("fcm:shop", "device-1")
    with pytest.raises(Fail, match="payload_rejected"):
        await send(rate_limiter, ProviderResponse(Category.PAYLOAD_REJECTED, "too_big"))
    with pytest.raises(Unknown):
        await send(rate_limiter, ProviderResponse(Category.UNKNOWN, "timeout"))
    with pytest.raises(Retry, match="server_error"):
        await send(rate_limiter, ProviderResponse(Category.RETRY, "server_error"))
    assert await send(rate_limiter, delivered()) == delivered()


async def test_without_redis_nothing_is_sent() -> None:
    rate_limiter = RateLimiter(SyncLedger("redis://127.0.0.1:1/0"))
    with pytest.raises(Snooze, match="ledger_unavailable"):
        await rate_limiter.admit("fcm:shop:1", 10)
