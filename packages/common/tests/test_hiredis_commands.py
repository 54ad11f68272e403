"""hiredis encodes the API's commands on every kind of connection."""

from typing import Any

import pytest
from redis.asyncio import Connection

from handoff_common.connections import async_client
from handoff_common.hiredis_commands import HiredisCommands

URLS = ["redis://h", "rediss://h", "sentinel://h:26379/0?master_name=m", "sentinels://h:26379/0?master_name=m"]


@pytest.mark.parametrize("url", URLS)
def test_every_kind_of_connection_uses_hiredis(url: str) -> None:
    pool = async_client(url).connection_pool
    connection_class: Any = pool.connection_class
    assert connection_class.pack_command is HiredisCommands.pack_command


@pytest.mark.parametrize(
    "command",
    [("EVALSHA", "0a", 0, b"\xff\r\n", "ü", 7, 1.5, ""), ("CLIENT SETINFO", "x"), ("SET", "k", b"x" * 100_000)],
)
def test_hiredis_encodes_as_redis_py_does(command: tuple[str | bytes | int | float, ...]) -> None:
    assert b"".join(HiredisCommands().pack_command(*command)) == b"".join(Connection().pack_command(*command))
