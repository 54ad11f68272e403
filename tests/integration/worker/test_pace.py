"""The rate limiters of several processes share one Redis."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from handoff_ledger import SyncLedger
from handoff_worker.delivery.channel import Channel, send_through
from handoff_worker.delivery.rate_limiter import Pace
from handoff_worker.delivery.responses import Answer, Answered, delivered
from handoff_worker.errors import Fail, RecipientGone, Retry, Snooze, Unknown

CHANNEL = Channel("fcm:shop:1f", rate=400)


@pytest.fixture
def paces(redis_url: str) -> Iterator[list[Pace]]:
    ledgers = [SyncLedger(redis_url) for _ in range(3)]
    yield [Pace(ledger) for ledger in ledgers]
    for ledger in ledgers:
        ledger.close()


async def test_all_rate_limiters_together_keep_the_rate(paces: list[Pace]) -> None:
    sent = 0

    async def sender(pace: Pace) -> None:
        nonlocal sent
        while True:
            await pace.admit(CHANNEL.name, CHANNEL.rate)
            sent += 1

    async def all_of_them() -> None:
        async with asyncio.timeout(2), asyncio.TaskGroup() as group:
            for pace in paces:
                for _ in range(20):
                    group.create_task(sender(pace))

    rates, began = [0.0], time.monotonic()
    while max(rates) < 0.6 * CHANNEL.rate and len(rates) <= 5:  # the machine may pause for a while
        before, since = sent, time.monotonic()
        with pytest.raises(TimeoutError):
            await all_of_them()
        rates.append((sent - before) / (time.monotonic() - since))
    assert sent / (time.monotonic() - began) <= 1.1 * CHANNEL.rate
    assert max(rates) >= 0.6 * CHANNEL.rate


async def test_a_long_wait_becomes_a_snooze(paces: list[Pace]) -> None:
    await paces[0].admit("fcm:slow:1", 0.01)
    with pytest.raises(Snooze) as snoozed:
        await paces[1].admit("fcm:slow:1", 0.01)
    assert snoozed.value.failure.code == "paced"
    assert 90 < snoozed.value.after <= 100


async def answers(answer: Answer) -> Answer:
    return answer


async def send(pace: Pace, answer: Answer) -> Answer:
    return await send_through(CHANNEL, pace, lambda: answers(answer), recipient="device-1")


async def test_a_throttled_response_stops_the_channel_for_all(paces: list[Pace]) -> None:
    with pytest.raises(Retry) as again:
        await send(paces[0], Answer(Answered.RETRY, "quota_exceeded", after=30, throttled=True))
    assert (again.value.failure.code, again.value.after) == ("quota_exceeded", 30)
    for pace in paces:
        with pytest.raises(Snooze) as snoozed:
            await send(pace, delivered())
        assert snoozed.value.failure.code == "throttled"
        assert 15 < snoozed.value.after <= 30


async def test_a_rejected_credential_stops_only_its_channel(paces: list[Pace]) -> None:
    with pytest.raises(Snooze) as snoozed:
        await send(paces[0], Answer(Answered.CREDENTIAL_REJECTED, "invalid_grant"))
    assert snoozed.value.failure.code == "credential_rejected"
    with pytest.raises(Snooze):
        await send(paces[1], delivered())
    await paces[1].admit("fcm:shop:2e", 400)


async def test_every_other_response_concerns_one_item(paces: list[Pace]) -> None:
    pace = paces[0]
    assert await send(pace, delivered("m-1")) == Answer(Answered.DELIVERED, id="m-1")
    with pytest.raises(RecipientGone) as gone:
        await send(pace, Answer(Answered.RECIPIENT_GONE, "unregistered"))
    assert (gone.value.channel, gone.value.recipient) == ("fcm:shop", "device-1")
    with pytest.raises(Fail, match="payload_rejected"):
        await send(pace, Answer(Answered.PAYLOAD_REJECTED, "too_big"))
    with pytest.raises(Unknown):
        await send(pace, Answer(Answered.UNKNOWN, "timeout"))
    with pytest.raises(Retry, match="server_error"):
        await send(pace, Answer(Answered.RETRY, "server_error"))
    assert await send(pace, delivered()) == delivered()


async def test_without_redis_nothing_is_sent() -> None:
    pace = Pace(SyncLedger("redis://127.0.0.1:1/0"))
    with pytest.raises(Snooze, match="ledger_unavailable"):
        await pace.admit("fcm:shop:1", 10)
