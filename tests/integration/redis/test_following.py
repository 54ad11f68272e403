"""The ledger's clients and a Redis whose master changes, or that is reached over TLS."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, aclosing, closing
from pathlib import Path
from urllib.parse import quote

import pytest
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import Redis as Client

from handoff_common.connections import celery_connection
from handoff_ledger import AsyncLedger, LedgerUnavailable, Limits, SyncLedger, calls
from process import free_port, wait_until
from stack import Stack
from tests.integration.redis.cluster import MASTER, PASSWORD, Cluster, Sentinel
from tests.integration.redis.desk import Desk
from tests.integration.redis.tls import Authority, Relay, SecureRedis

LIMITS = Limits(retention_ms=60_000, queue=100)
OPTIONS = f"master_name={MASTER}&sentinel_password={quote(PASSWORD, safe='')}"
FOLLOWED_SECONDS = 60.0
OWN = "7"  # a database that nobody else uses


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, sentinels=1) as cluster:
        yield cluster


async def works_again(ledger: AsyncLedger) -> None:
    """Until a call is taken, calls are refused: none is held until there is a new master."""
    refused = 0
    async with asyncio.timeout(FOLLOWED_SECONDS):
        while True:
            try:
                await ledger.run(calls.announce("w1", 10, [], []))
            except LedgerUnavailable:
                refused += 1
            else:
                break
    assert refused


async def test_both_follow_when_the_master_hangs(cluster: Cluster) -> None:
    nobody = f"127.0.0.1:{free_port()}"  # a sentinel that is gone
    url = f"sentinel://{nobody},{cluster.addresses}/1?{OPTIONS}"
    ledger, worker = AsyncLedger(url, LIMITS), SyncLedger(url)
    await asyncio.gather(*(ledger.run(calls.queues()) for _ in range(30)))
    worker.run(calls.queues())
    before = cluster.master()
    before.signal(signal.SIGSTOP)
    try:
        await works_again(ledger)
        worker.run_with_retry(calls.announce("w1", 10, [], []), patience=FOLLOWED_SECONDS)
        assert wait_until(lambda: cluster.master() is not before, 20)
        # No connection to the old one is left to wait for: who did would be refused.
        await asyncio.gather(*(ledger.run(calls.announce("w1", 10, [], [])) for _ in range(30)))
    finally:
        before.signal(signal.SIGCONT)
        worker.close()
        await ledger.aclose()


async def test_without_a_master_it_is_unavailable(tmp_path: Path) -> None:
    url = f"sentinel://127.0.0.1:{free_port()},127.0.0.1:{free_port()}?{OPTIONS}"
    ledger, worker = AsyncLedger(url, LIMITS), SyncLedger(url)
    with closing(worker), pytest.raises(LedgerUnavailable, match="No sentinel names a master"):
        worker.run(calls.queues())
    with pytest.raises(LedgerUnavailable, match="No sentinel names a master"):
        await ledger.run(calls.queues())
    await ledger.aclose()


async def test_connections_to_a_replica_are_dropped(redis_url: str, redis: Client) -> None:
    """So that a name in `redis://` or `rediss://` which leads elsewhere after a failover is looked up again."""
    url = f"{redis_url.removesuffix('/0')}/{OWN}"
    ledger, worker = AsyncLedger(url, LIMITS), SyncLedger(url)
    await asyncio.gather(*(ledger.run(calls.queues()) for _ in range(10)))
    worker.run(calls.queues())
    before = clients(redis)
    assert len(before) > 1
    redis.replicaof("127.0.0.1", free_port())
    try:
        with pytest.raises(LedgerUnavailable, match="Redis is a replica now"):
            await ledger.run(calls.announce("w1", 10, [], []))
        with pytest.raises(LedgerUnavailable, match="Redis is a replica now"):
            worker.run(calls.announce("w1", 10, [], []))
        assert wait_until(lambda: before.isdisjoint(clients(redis)), 20)
    finally:
        redis.replicaof("NO", "ONE")
    await ledger.run(calls.announce("w1", 10, [], []))
    worker.run(calls.announce("w1", 10, [], []))
    worker.close()
    await ledger.aclose()


def clients(redis: Client) -> set[int]:
    """The ids of the connections to the database of one's own."""
    return {int(client["id"]) for client in redis.client_list() if client["db"] == OWN}


async def test_sentinels_and_master_are_reached_over_tls(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    with SecureRedis(tmp_path, authority, password="secret") as redis, ExitStack() as processes:
        sentinel = Sentinel(tmp_path, master=redis.port)
        relay = Relay(tmp_path, authority, target=sentinel.port)
        processes.callback(sentinel.client.close)
        for process in (sentinel, relay):
            processes.callback(process.stop)
            process.start()
            process.wait_ready()
        url = f"sentinels://handoff:secret@127.0.0.1:{relay.port}/1?{OPTIONS}&ssl_ca_certs="
        trusted, distrusted = f"{url}{authority.ca_file}", f"{url}{other.ca_file}"
        assert said(trusted) == await said_by_api(trusted) == ""
        assert taken_by_kombu(trusted)
        refusal = "The certificate of the first sentinel is refused: unable to get local issuer certificate."
        assert said(distrusted) == await said_by_api(distrusted)
        assert refusal in said(distrusted)
        assert not taken_by_kombu(distrusted)
        stranger = trusted.replace(quote(PASSWORD, safe=""), "wrong")
        assert said(stranger) == await said_by_api(stranger)
        assert said(stranger).startswith("No sentinel names a master. The first sentinel refuses the login")
        misnamed = trusted.replace(MASTER, "another")
        assert said(misnamed) == await said_by_api(misnamed)
        assert said(misnamed) == "No sentinel names a master: none knows the master_name in CELERY_BROKER_URL."


def said(url: str) -> str:
    """What the ledger says of a Redis there; nothing when it works."""
    with closing(SyncLedger(url)) as ledger:
        try:
            ledger.run(calls.queues())
        except LedgerUnavailable as error:
            return error.reason
        return ""


async def said_by_api(url: str) -> str:
    async with aclosing(AsyncLedger(url, LIMITS)) as ledger:
        try:
            await ledger.run(calls.queues())
        except LedgerUnavailable as error:
            return error.reason
        return ""


def taken_by_kombu(url: str) -> bool:
    broker = celery_connection(url)
    with Connection(broker.url, ssl=broker.ssl or False, transport_options=broker.transport) as connection:
        try:
            connection.ensure_connection(max_retries=1)
        except OperationalError:
            return False
        return True


def test_a_worker_outlives_a_redis_that_was_a_replica_for_a_while(
    redis_url: str, redis: Client, tmp_path: Path
) -> None:
    with Stack(tmp_path, broker_url=redis_url) as stack, closing(Desk(stack)) as desk:
        pid = stack.worker.pid
        assert desk.succeeded(desk.submit())
        redis.replicaof("127.0.0.1", free_port())
        try:
            said = "Redis is a replica now: it takes no writes until it is a master."
            assert wait_until(lambda: f"Redis is away: {said}" in stack.worker.log.read_text(), 20)
            assert wait_until(lambda: not stack.api.ready(), 20)
            assert desk.try_to_submit().json()["detail"] == said
        finally:
            redis.replicaof("NO", "ONE")
        assert desk.succeeded(desk.submit())
        assert (stack.worker.running, stack.worker.pid) == (True, pid)
