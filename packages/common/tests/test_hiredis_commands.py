"""The API's commands are packed by hiredis, whatever leads to Redis."""

from typing import Any

import pytest
from redis.asyncio import Connection

from handoff_common.connections import async_client
from handoff_common.hiredis_commands import Packing

URLS = ["redis://h", "rediss://h", "sentinel://h:26379/0?master_name=m", "sentinels://h:26379/0?master_name=m"]


@pytest.mark.parametrize("url", URLS)
def test_each_way_to_redis_packs_so(url: str) -> None:
    pool = async_client(url).connection_pool
    kind: Any = pool.connection_class
    assert kind.pack_command is Packing.pack_command


@pytest.mark.parametrize(
    "command",
    [("EVALSHA", "0a", 0, b"\xff\r\n", "ü", 7, 1.5, ""), ("CLIENT SETINFO", "x"), ("SET", "k", b"x" * 100_000)],
)
def test_redis_py_would_pack_the_same(command: tuple[str | bytes | int | float, ...]) -> None:
    assert b"".join(Packing().pack_command(*command)) == b"".join(Connection().pack_command(*command))
