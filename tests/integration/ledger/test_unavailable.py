"""Redis full, frozen, killed: a caller is told within its bound, and all goes on when Redis is back."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from handoff_ledger import AsyncLedger, LedgerUnavailable, State, Submission, SyncLedger, UnknownTask, calls
from stack import Redis as Server
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, PUSH, Lab

API_BOUND_SECONDS = 2.0
STANDS_STILL_SECONDS = 10.0  # so long no machine does


def echo() -> Submission:
    return Submission(contract=ECHO, payload=b"{}", queue="default")


def test_a_redis_that_refuses_writes_is_away(both: Lab) -> None:
    both.redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(LedgerUnavailable, match="takes no writes"):
            both.submit()
    finally:
        both.redis.config_set("min-replicas-to-write", 0)
    assert both.submit()


class TestMemory:
    @pytest.fixture
    def full(self, both: Lab) -> Lab:
        """A ledger with something of everything, whose Redis is then at its limit."""
        for _ in range(3):
            both.submit()
        both.submit(delay_ms=60_000)
        both.batch(2)
        both.sweep()
        both.redis.config_set("maxmemory", "100kb")
        return both

    def test_new_work_is_refused(self, full: Lab) -> None:
        before = full.dump()
        with pytest.raises(LedgerUnavailable, match="memory limit"):
            full.submit(key="k")
        with pytest.raises(LedgerUnavailable, match="memory limit"):
            full.batch(1)
        assert full.dump() == before

    def test_work_that_is_there_comes_to_its_end(self, full: Lab) -> None:
        first, second, third = (full.claim(id) for id in full.messages())
        full.run(calls.renew("w1", [first.id]))
        assert full.run(calls.finish(first, b"null", LIMITS)) is State.SUCCEEDED
        assert full.run(calls.fail(second, FAULT, LIMITS)) is State.FAILED
        assert full.run(calls.retry(third, 60, FAULT, LIMITS)) is State.SCHEDULED
        full.redis.config_set("maxmemory", "0")
        full.come_due(third.id)
        full.redis.config_set("maxmemory", "100kb")
        assert full.sweep() == {"due": 1}
        pack = full.claim(full.messages("bulk")[0], PUSH)
        assert full.record(pack, 0)
        assert full.run(calls.give_back(pack)) is State.QUEUED
        assert full.run(calls.cancel(pack.id, LIMITS)) is State.CANCELLED
        full.run(calls.announce("w1", 10, [ECHO], ["default"]))
        assert full.run(calls.park(third.id)) == "parked"

    def test_it_can_be_read(self, full: Lab) -> None:
        tasks, _ = full.run(calls.list_tasks(10))
        assert len(tasks) == 5
        assert len(full.run(calls.queues())) == 4

    def test_new_work_is_taken_again_below_the_limit(self, full: Lab) -> None:
        full.redis.config_set("maxmemory", "0")
        assert full.read(full.submit()).state is State.QUEUED


@pytest.fixture
def frozen(redis_server: Server, redis_url: str) -> Iterator[str]:
    """The URL of a Redis that takes connections and answers nothing."""
    redis_server.signal(signal.SIGSTOP)
    yield redis_url
    redis_server.signal(signal.SIGCONT)


@pytest.fixture
def killed(redis_server: Server, redis_url: str) -> Iterator[str]:
    redis_server.kill()
    yield redis_url
    redis_server.start()
    redis_server.wait_ready()


@pytest.fixture
async def connected(redis_url: str) -> AsyncIterator[AsyncLedger]:
    """The API's client, with a connection that works."""
    ledger = AsyncLedger(redis_url, LIMITS)
    await ledger.accept(echo())
    yield ledger
    await ledger.aclose()


async def every_call_is_refused(ledger: AsyncLedger) -> None:
    """Each time, and within the bound whenever the machine does not stand still meanwhile."""
    took = STANDS_STILL_SECONDS
    for _ in range(5):
        start = time.monotonic()
        accepts = [ledger.accept(echo()) for _ in range(10)]
        looks = (ledger.run(calls.queues()), ledger.run(calls.read("0" * 26)), ledger.info())
        replies = await asyncio.gather(*accepts, *looks, return_exceptions=True)
        took = time.monotonic() - start
        assert [type(reply) for reply in replies] == [LedgerUnavailable] * 13
        assert took < STANDS_STILL_SECONDS
        if took < API_BOUND_SECONDS:
            return
    raise AssertionError(f"they took {took:.1f} s")


async def recovers(ledger: AsyncLedger) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await ledger.accept(echo())
            except LedgerUnavailable:
                continue
            return


class TestAsync:
    async def test_a_frozen_redis_is_told_within_the_bound(self, connected: AsyncLedger, redis_server: Server) -> None:
        redis_server.signal(signal.SIGSTOP)
        try:
            await every_call_is_refused(connected)
        finally:
            redis_server.signal(signal.SIGCONT)
        await recovers(connected)

    async def test_so_is_one_that_was_frozen_from_the_start(self, frozen: str) -> None:
        ledger = AsyncLedger(frozen, LIMITS)
        await every_call_is_refused(ledger)
        await ledger.aclose()

    async def test_a_killed_redis_is_told_at_once(self, connected: AsyncLedger, redis_server: Server) -> None:
        redis_server.kill()
        await every_call_is_refused(connected)
        redis_server.start()
        redis_server.wait_ready()
        await recovers(connected)
        tasks, _ = await connected.run(calls.list_tasks(10))
        assert len(tasks) >= 2  # the one from before was kept by the append-only file

    async def test_a_caller_of_one_that_is_away_from_the_start_is_told(self, killed: str) -> None:
        ledger = AsyncLedger(killed, LIMITS)
        await every_call_is_refused(ledger)
        await ledger.aclose()


class TestBlocking:
    @pytest.fixture
    def connected(self, redis_url: str) -> Iterator[SyncLedger]:
        ledger = SyncLedger(redis_url)
        ledger.run(calls.queues())
        yield ledger
        ledger.close()

    def test_a_frozen_redis_is_told_within_the_bound(self, connected: SyncLedger, redis_server: Server) -> None:
        redis_server.signal(signal.SIGSTOP)
        start = time.monotonic()
        try:
            with pytest.raises(LedgerUnavailable, match="did not answer in time"):
                connected.run(calls.queues())
            assert time.monotonic() - start < 6
        finally:
            redis_server.signal(signal.SIGCONT)
        assert len(connected.run_with_retry(calls.queues(), patience=30)) == 4

    def test_an_outcome_waits_until_redis_is_back(self, connected: SyncLedger, redis_server: Server) -> None:
        (receipt,) = connected.run(calls.accept([echo()], LIMITS))
        assert not isinstance(receipt, Exception)
        claim = connected.run(calls.claim(receipt.id, "w1", ECHO, LIMITS))
        assert isinstance(claim, calls.Claim)
        redis_server.kill()
        with pytest.raises(LedgerUnavailable):
            connected.run_with_retry(calls.finish(claim, b"null", LIMITS), patience=0.3)
        redis_server.start()
        assert connected.run_with_retry(calls.finish(claim, b"null", LIMITS), patience=60) is State.SUCCEEDED

    def test_it_is_told_at_once_that_a_killed_redis_is_away(self, killed: str) -> None:
        ledger = SyncLedger(killed)
        start = time.monotonic()
        with pytest.raises(LedgerUnavailable):
            ledger.run(calls.queues())
        assert time.monotonic() - start < 2.5  # it waits for no timeout
        ledger.close()

    def test_a_refusal_is_not_insisted_on(self, connected: SyncLedger) -> None:
        start = time.monotonic()
        with pytest.raises(UnknownTask):
            connected.run_with_retry(calls.read("0" * 26), patience=10)
        assert time.monotonic() - start < 5


async def test_connections_from_before_a_restart_cost_no_call(
    redis_server: Server, redis_url: str, unhurried: None
) -> None:
    ledger = AsyncLedger(redis_url, LIMITS)
    await asyncio.gather(*(ledger.run(calls.queues()) for _ in range(30)))
    redis_server.kill()
    redis_server.start()
    redis_server.wait_ready()
    await asyncio.gather(*(ledger.run(calls.queues()) for _ in range(30)), ledger.accept(echo()))
    await ledger.aclose()
