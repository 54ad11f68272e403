"""A client disconnects while it receives events and another of its requests waits behind them."""

import socket
from urllib.parse import urlsplit

import httpx2
import pytest
from redis import Redis

from process import wait_until
from stack import Api
from tests.integration.api.conftest import KEYS


@pytest.mark.parametrize("behind", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["alone", "pipelined"])
def test_a_stream_ends_with_its_connection(api_server: Api, client: httpx2.Client, redis: Redis, behind: bytes) -> None:
    task = client.post("/v1/tasks/system.echo?delay=3600", json={}).json()["id"]

    def followers() -> int:
        return int(redis.pubsub_numsub(f"handoff:events:{task}")[0][1])

    parts = urlsplit(api_server.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=30) as connection:
        head = f"GET /v1/tasks/{task}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS['tests']}\r\n\r\n"
        connection.sendall(head.encode() + behind)
        assert wait_until(lambda: followers() == 1, 20)
    assert wait_until(lambda: followers() == 0, 20)
