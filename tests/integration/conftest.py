"""A Redis for the tests that need one: the embedded Valkey, one a session (and xdist worker), empty in each test."""

from collections.abc import Iterator

import pytest
from redis import Redis as Client

from process import free_port, wait_until
from stack import Redis
from tests.integration.worker.bench import Bench


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """The server as a process. A test may stop, kill and restart it: the next test finds it running again."""
    server = Redis(tmp_path_factory.mktemp("redis"), port=free_port(), appendonly=True)
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: Redis) -> str:
    """The URL of a Redis that runs and is empty, without any setting that another test changed."""
    if not redis_server.running:
        redis_server.start()
        redis_server.wait_ready()
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    with Client.from_url(url) as client:
        client.execute_command("FLUSHALL", "SYNC")  # what is freed later would be seen as used
        client.config_set("maxmemory", "0")
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendfsync", "always")  # else an accepted task waits up to a second
        assert wait_until(lambda: not rewriting(client), 30)  # one that was just turned on keeps nothing until then
    return url


def rewriting(client: Client) -> bool:
    """Whether Redis writes its append-only file anew."""
    info = client.info("persistence")
    return bool(info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])


@pytest.fixture
def redis(redis_url: str) -> Iterator[Client]:
    """A client for that Redis; replies are text."""
    with Client.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    """A ledger on that Redis, with what the tests of a worker and of its handlers ask of it."""
    bench = Bench(redis_url)
    yield bench
    bench.close()
