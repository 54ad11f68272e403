"""TLS connections for asyncio clients."""

from typing import Any, ClassVar

from redis.asyncio import SSLConnection
from redis.asyncio.connection import RedisSSLContext
from redis.asyncio.sentinel import SentinelManagedConnection

from handoff_common.hiredis_commands import HiredisCommands


class TlsConnection(HiredisCommands, SSLConnection):
    """Shares one TLS context between connections: creating a context blocks the event loop for 15 ms or more."""

    _contexts: ClassVar[dict[str | None, RedisSSLContext]] = {}  # by CA file, the only option that differs

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = self._contexts.setdefault(self.ssl_context.ca_certs, self.ssl_context)


class TlsMasterConnection(SentinelManagedConnection, TlsConnection):
    """A TLS connection to the master that the sentinels name."""
