"""Connection classes that encode commands with hiredis. redis-py's asyncio connections only parse replies with it."""

from typing import Any

import hiredis
from redis.asyncio import Connection
from redis.asyncio.sentinel import SentinelManagedConnection


class HiredisCommands:
    """Mixin for redis-py's connection classes.

    It skips redis-py's own encoding, which handles every argument in Python: a call for 12 tasks has 146 of them.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        """Returns the encoded command. Overrides redis-py's method."""
        return [hiredis.pack_command((*args[0].split(), *args[1:]))]


class PlainConnection(HiredisCommands, Connection):
    """A connection without TLS."""


class PlainMasterConnection(HiredisCommands, SentinelManagedConnection):
    """A connection without TLS to the master that the sentinels name."""
