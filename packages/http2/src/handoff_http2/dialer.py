"""Makes the connection to a server: to the first of its addresses that answers."""

import asyncio
import os
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from handoff_http2.connection import Connection
from handoff_http2.exchange import End

TRIED = 4  # of a name's addresses, at most


class Server(NamedTuple):
    """Where a connection goes."""

    tls: bool
    host: str
    port: int


class Dialer:
    """`timeout`: seconds for all of it. `SSL_CERT_FILE` names the authorities to trust in place of the system's."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._tls: ssl.SSLContext | None = None
        # Threads of their own: a loop that ends waits for the names that are looked up in its own.
        self._resolvers = ThreadPoolExecutor(2, "resolve")

    async def dial(self, server: Server, connection: Connection) -> None:
        """Makes the connection, and waits until it is ready; where that can't be, what waits in it is refused."""
        try:
            async with asyncio.timeout(self._timeout):
                tls = await self._context() if server.tls else None
                await self._connect(server, connection, tls)
                await connection.ready
        except (OSError, ValueError, RuntimeError):  # TLS's and timeouts, a name that can't be one, no thread to be had
            pass
        finally:
            if not connection.settled:
                connection.retire(End.REFUSED)

    async def _connect(self, server: Server, connection: Connection, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        lookup = partial(socket.getaddrinfo, server.host, server.port, type=socket.SOCK_STREAM)
        found = await loop.run_in_executor(self._resolvers, lookup)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))[:TRIED]
        name = server.host if tls else None
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with asyncio.timeout((deadline - loop.time()) / left):
                    await loop.create_connection(
                        lambda: connection, address, server.port, ssl=tls, server_hostname=name
                    )
                return
            except OSError:
                if left == 1 or connection.made:
                    raise

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            authorities = os.environ.get("SSL_CERT_FILE")
            self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=authorities)
            self._tls.set_alpn_protocols(["h2"])
        return self._tls
