"""Connects to a server: tries its addresses in turn until one of them accepts."""

import asyncio
import os
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from handoff_http2.connection import Connection
from handoff_http2.exchange import ExchangeResult

MAX_ADDRESSES = 4  # of one host name that are tried


class Origin(NamedTuple):
    """The scheme, host and port that share a connection."""

    tls: bool
    host: str
    port: int


class Dialer:
    """Connects within `timeout` seconds, name lookup and TLS handshake included.

    `SSL_CERT_FILE` names the certificate authorities to trust in place of the system's.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout_seconds = timeout
        self._tls_context: ssl.SSLContext | None = None
        # Not the event loop's default executor: a loop that closes waits for lookups that run there.
        self._resolvers = ThreadPoolExecutor(2, "resolve")

    async def dial(self, origin: Origin, connection: Connection) -> None:
        """Connects and waits for the server's SETTINGS. On failure, waiting requests end as `NOT_PROCESSED`."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                context = await self._context() if origin.tls else None
                await self._connect(origin, connection, context)
                await connection.ready
        # OSError covers TLS and timeouts, ValueError an invalid host name, RuntimeError a thread that can't start.
        except (OSError, ValueError, RuntimeError):
            pass
        finally:
            if not connection.settings_received:
                connection.drain(ExchangeResult.NOT_PROCESSED)

    async def _connect(self, origin: Origin, connection: Connection, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_seconds
        lookup = partial(socket.getaddrinfo, origin.host, origin.port, type=socket.SOCK_STREAM)
        found = await loop.run_in_executor(self._resolvers, lookup)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MAX_ADDRESSES]
        name = origin.host if context else None
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with asyncio.timeout((deadline - loop.time()) / left):
                    await loop.create_connection(
                        lambda: connection, address, origin.port, ssl=context, server_hostname=name
                    )
                return
            except OSError:
                if left == 1 or connection.was_connected:
                    raise

    async def _context(self) -> ssl.SSLContext:
        if self._tls_context is None:
            authorities = os.environ.get("SSL_CERT_FILE")
            self._tls_context = await asyncio.to_thread(ssl.create_default_context, cafile=authorities)
            self._tls_context.set_alpn_protocols(["h2"])
        return self._tls_context
