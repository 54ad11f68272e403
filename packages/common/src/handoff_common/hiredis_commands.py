"""Commands packed by hiredis: redis-py's asyncio connections use it only to parse replies."""

from typing import Any

import hiredis
from redis.asyncio import Connection
from redis.asyncio.sentinel import SentinelManagedConnection


class Packing:
    """For a connection class of redis-py's.

    A call for 12 tasks has 146 arguments: 0.6 us each in Python, and redis-py's own way to hiredis looks at each too.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        return [hiredis.pack_command((*args[0].split(), *args[1:]))]


class PlainConnection(Packing, Connection):
    """Without TLS."""


class MasterConnection(Packing, SentinelManagedConnection):
    """Without TLS, to the master that sentinels name."""
