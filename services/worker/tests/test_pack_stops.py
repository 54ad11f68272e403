"""Each way in which a pack stops early."""

import asyncio
from contextlib import suppress

import pytest

from handoff_ledger import LedgerUnavailable, Stale
from handoff_worker.errors import Retry
from handoff_worker.execution.outcomes import RetryLater
from handoff_worker.resources import Resources
from services.worker.tests.packs import Ledger, claim, echo, pack_of
from services.worker.tests.support import Answer, Ask


async def test_a_cancelled_pack_begins_no_further_item() -> None:
    ledger = Ledger(answer=lambda: len(ledger.chunks) < 3)
    pack = pack_of(echo, ledger, claim(100), concurrency=4)
    await pack.run()
    assert pack.cancelled
    # The items in flight are recorded too.
    assert len(ledger.recorded) <= 3 * 4 + 4


async def test_a_draining_worker_begins_no_further_item() -> None:
    ledger = Ledger()
    pack = pack_of(echo, ledger, claim(100), concurrency=4, draining=lambda: len(ledger.recorded) >= 8)
    await pack.run()
    assert pack.drained
    assert not pack.cancelled
    assert 8 <= len(ledger.recorded) <= 16


@pytest.mark.parametrize("error", [Stale(), LedgerUnavailable("away"), RuntimeError("a bug")])
async def test_an_error_of_the_ledger_stops_the_pack_at_once(error: Exception) -> None:
    cut: list[str] = []

    async def handler(ask: Ask, resources: Resources) -> Answer:
        if ask.text != "0":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cut.append(ask.text)
                raise
        return Answer(text=ask.text)

    def answer() -> bool:
        raise error

    pack = pack_of(handler, Ledger(answer), claim(100), concurrency=4)
    with pytest.raises(type(error)) as raised:
        await asyncio.wait_for(pack.run(), 5)
    assert raised.value is error
    assert sorted(cut) == ["1", "2", "3"]


async def test_a_draining_pack_knows_the_items_to_retry() -> None:
    async def handler(ask: Ask, resources: Resources) -> Answer:
        raise Retry("busy")

    pack = pack_of(handler, Ledger(), claim(10), concurrency=2, draining=lambda: len(pack.retries) >= 2)
    await pack.run()
    assert pack.drained
    assert all(isinstance(retry, RetryLater) for retry in pack.retries.values())
    assert 2 <= len(pack.retries) <= 3


async def test_a_handler_that_ignores_its_cancellation_does_not_delay_a_stale_pack() -> None:
    async def handler(ask: Ask, _: Resources) -> Answer:
        if ask.text != "0":
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return Answer(text="")

    def answer() -> bool:
        raise Stale

    with pytest.raises(Stale):
        await asyncio.wait_for(pack_of(handler, Ledger(answer), claim(10)).run(), 5)


async def test_a_handler_that_cancels_its_runner_never_completes_the_pack() -> None:
    """All other items still have an outcome."""

    async def handler(ask: Ask, _: Resources) -> Answer:
        if ask.text == "0" and (task := asyncio.current_task()):
            asyncio.get_running_loop().call_soon(task.cancel)  # like a timer that the handler forgot to cancel
        return Answer(text=ask.text)

    ledger = Ledger()
    with pytest.raises(RuntimeError, match="no outcome"):
        await asyncio.wait_for(pack_of(handler, ledger, claim(20)).run(), 5)
    assert set(ledger.recorded) == set(range(20))
