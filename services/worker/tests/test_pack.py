"""A pack has bounded concurrency, and records each outcome before its runner takes the next item."""

import asyncio
from collections.abc import Sequence

import pytest

from handoff_ledger import Claim, State
from handoff_worker.errors import Fail, Retry
from handoff_worker.execution import pack
from handoff_worker.execution.outcomes import TIME_LIMIT, Recipient
from handoff_worker.execution.pack import Pack, Recorded
from handoff_worker.resources import Resources
from services.worker.tests.packs import Ledger, Outcome, claim, echo, never, pack_of
from services.worker.tests.support import Answer, Ask, attempt_at


async def test_every_item_is_recorded_once() -> None:
    ledger = Ledger()
    pack = pack_of(echo, ledger, claim(50))
    await pack.run()
    assert sum(map(len, ledger.chunks)) == 50
    assert ledger.recorded == {at: (at, State.SUCCEEDED, {"text": str(at)}) for at in range(50)}
    assert (pack.retries, pack.cancelled, pack.drained) == ({}, False, False)


async def test_items_share_the_common_fields() -> None:
    ledger = Ledger()
    shared = Claim("0.0", 1, 1, 5, '[{}, {"text": "own"}]', '{"text": "common"}', [])
    await pack_of(echo, ledger, shared).run()
    assert [value["text"] for _, _, value in sorted(ledger.recorded.values())] == ["common", "own"]


async def test_the_concurrency_bounds_the_items_in_flight_or_unrecorded() -> None:
    """A kill repeats the items in flight: from the start of the handler until the ledger has the outcome."""
    open_items: set[str] = set()
    most = 0
    running = most_running = 0

    async def handler(ask: Ask, resources: Resources) -> Answer:
        nonlocal most, running, most_running
        open_items.add(ask.text)
        running += 1
        most, most_running = max(most, len(open_items)), max(most_running, running)
        await asyncio.sleep(0.001 * (1 + int(ask.text) % 3))
        running -= 1
        return Answer(text=ask.text)

    class Slow(Ledger):
        async def record(self, outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
            await asyncio.sleep(0.003)
            open_items.difference_update(str(at) for at, _, _ in outcomes)
            return await super().record(outcomes, gone)

    ledger = Slow()
    await pack_of(handler, ledger, claim(60), concurrency=7).run()
    assert len(ledger.recorded) == 60
    assert most == most_running == 7


async def test_a_sync_handler_has_one_item_in_flight() -> None:
    order: list[str] = []

    def handler(ask: Ask, resources: Resources) -> Answer:
        order.append(ask.text)
        return Answer(text=ask.text)

    class Noting(Ledger):
        async def record(self, outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
            order.extend(f"{at} recorded" for at, _, _ in outcomes)
            return await super().record(outcomes, gone)

    await pack_of(handler, Noting(), claim(3), concurrency=10).run()
    assert order == ["0", "0 recorded", "1", "1 recorded", "2", "2 recorded"]


async def test_simultaneous_outcomes_are_recorded_together() -> None:
    ledger = Ledger()
    await pack_of(echo, ledger, claim(100), concurrency=50).run()
    assert len(ledger.chunks) < 20


async def test_an_outcome_does_not_wait_for_long_items() -> None:
    first_recorded = asyncio.Event()

    async def handler(ask: Ask, resources: Resources) -> Answer:
        if ask.text != "0":
            await first_recorded.wait()
        return Answer(text=ask.text)

    class Telling(Ledger):
        async def record(self, outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
            first_recorded.set()
            return await super().record(outcomes, gone)

    ledger = Telling()
    await asyncio.wait_for(pack_of(handler, ledger, claim(10), concurrency=10).run(), 5)
    assert ledger.chunks[0] == [(0, State.SUCCEEDED, {"text": "0"})]
    assert len(ledger.recorded) == 10


async def test_the_last_outcomes_do_not_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "LINGER_SECONDS", 60.0)
    recording, rest_done = asyncio.Event(), asyncio.Event()
    done = 0

    async def handler(ask: Ask, resources: Resources) -> Answer:
        nonlocal done
        if int(ask.text) >= 6:
            await recording.wait()
            done += 1
            if done == 4:
                rest_done.set()
        return Answer(text=ask.text)

    class Slow(Ledger):
        async def record(self, outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
            recording.set()
            await rest_done.wait()
            return await super().record(outcomes, gone)

    ledger = Slow()
    await asyncio.wait_for(pack_of(handler, ledger, claim(10), concurrency=10).run(), 5)
    assert [len(chunk) for chunk in ledger.chunks] == [6, 4]  # four outcomes are less than half of the runners


async def test_recorded_items_are_not_run_again() -> None:
    before: list[Outcome] = [(0, State.SUCCEEDED, None), (2, State.FAILED, None)]
    ran: list[str] = []

    async def handler(ask: Ask, resources: Resources) -> Answer:
        ran.append(ask.text)
        return Answer(text=ask.text)

    ledger = Ledger()
    await pack_of(handler, ledger, claim(5, [before, [(4, State.SUCCEEDED, None)]])).run()
    assert sorted(ran) == ["1", "3"]
    assert sorted(ledger.recorded) == [1, 3]


async def test_a_pack_without_open_items_ends() -> None:
    ledger = Ledger()
    pack = pack_of(echo, ledger, claim(1, [[(0, State.SUCCEEDED, None)]]))
    await asyncio.wait_for(pack.run(), 5)
    assert ledger.chunks == []


async def test_each_item_has_its_own_outcome() -> None:
    async def handler(ask: Ask, resources: Resources) -> Answer:
        if ask.text == "1":
            raise Fail("gone")
        if ask.text == "2":
            raise Retry("busy", after=9)
        if ask.text == "3":
            await asyncio.sleep(60)
        return Answer(text=ask.text)

    ledger = Ledger()
    attempt = attempt_at(handler, pack=100, concurrency=4, time_limit=0.05)
    pack = Pack(claim(5), attempt, ledger.record, never)
    await pack.run()
    states = {at: state for at, state, _ in ledger.recorded.values()}
    assert states == {0: State.SUCCEEDED, 1: State.FAILED, 4: State.SUCCEEDED}
    assert ledger.recorded[1][2]["code"] == "gone"
    assert {at: (retry.failure.code, retry.after) for at, retry in pack.retries.items()} == {
        2: ("busy", 9),
        3: (TIME_LIMIT.code, None),
    }


async def test_an_item_that_cancels_itself_is_retried() -> None:
    async def handler(ask: Ask, resources: Resources) -> Answer:
        if ask.text == "1":
            raise asyncio.CancelledError
        return Answer(text=ask.text)

    ledger = Ledger()
    pack = pack_of(handler, ledger, claim(9), concurrency=2)
    await asyncio.wait_for(pack.run(), 5)
    assert list(pack.retries) == [1]
    assert len(ledger.recorded) == 8
