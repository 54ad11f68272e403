"""TLS for connections that share an event loop."""

from typing import Any, ClassVar

from redis.asyncio import SSLConnection
from redis.asyncio.connection import RedisSSLContext
from redis.asyncio.sentinel import SentinelManagedConnection

from handoff_common.hiredis_commands import Packing


class SharedTls(Packing, SSLConnection):
    """Takes the context of the first connection: the loop would stand still for 15 ms and more to make its own."""

    _contexts: ClassVar[dict[str | None, RedisSSLContext]] = {}  # by the file of the CA; nothing else differs

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = self._contexts.setdefault(self.ssl_context.ca_certs, self.ssl_context)


class MasterTls(SentinelManagedConnection, SharedTls):
    """The same to the master that sentinels name."""
