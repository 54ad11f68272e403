"""Sends requests over HTTP/2: one connection to a server carries them all."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlsplit

from handoff_http2.connection import Connection
from handoff_http2.dialer import Dialer, Server
from handoff_http2.exchange import End, Exchange
from handoff_http2.fields import encoded
from handoff_http2.frames import LONGEST

WRITTEN = re.compile(r"[!-~]+")
FRUITLESS = 2  # connections that go away and have taken no request, before one goes to no other


class Deadline(Protocol):
    """The time limit of an exchange."""

    def watch(self) -> AbstractContextManager[None]:
        """Raises `TimeoutError` in the block when the time is over."""


class Sender:
    """The connections of one event loop.

    `deadline` limits an exchange; `connect_timeout` is in seconds. Of a reply's body `reply_limit` bytes are read.
    """

    def __init__(self, deadline: Deadline, connect_timeout: float, reply_limit: int) -> None:
        self._limit = deadline
        self._dialer = Dialer(connect_timeout)
        self._reply_limit = reply_limit
        self._connections: dict[Server, Connection] = {}
        self._dialing: set[asyncio.Task[None]] = set()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        """Posts a body. Gives the exchange once it has ended, whatever became of it.

        Raises:
            ValueError: the URL or a header is malformed.
        """
        server, target = located(url)
        fields = [target, encoded("content-length", str(len(body)))]
        fields += [encoded(name, value) for name, value in headers.items()]
        if len(header := b"".join(fields)) > LONGEST:
            raise ValueError("the headers are too long")
        exchange, fruitless = Exchange(header, body), 0
        try:
            with self._limit.watch():
                await self._connection(server).carry(exchange)
                while exchange.end is End.MOVED and fruitless < FRUITLESS:
                    exchange = Exchange(header, body)
                    connection = self._connection(server)
                    await connection.carry(exchange)
                    fruitless += not connection.fruitful
        except TimeoutError:
            pass  # the exchange says whether it had begun
        return exchange

    async def aclose(self) -> None:
        """Closes the connections. What is sent later makes new ones."""
        connections, self._connections = self._connections, {}
        dialing = list(self._dialing)
        for task in dialing:
            task.cancel()
        await asyncio.gather(*dialing, *[known.aclose() for known in connections.values()], return_exceptions=True)

    def _connection(self, server: Server) -> Connection:
        known = self._connections.get(server)
        if known and known.usable:
            return known
        if known:
            known.retire()
        made = self._connections[server] = Connection(self._reply_limit)
        dialing = asyncio.get_running_loop().create_task(self._dialer.dial(server, made))
        self._dialing.add(dialing)
        dialing.add_done_callback(self._dialing.discard)
        return made


@lru_cache(maxsize=64)
def located(url: str) -> tuple[Server, bytes]:
    """The server of a URL, and the fields that say what is asked of it. Raises `ValueError` for a malformed one."""
    host = port = None
    parts = urlsplit(url if WRITTEN.fullmatch(url) else "")
    with suppress(ValueError):  # which quotes a part of it
        host, port = parts.hostname, parts.port
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("the URL is malformed")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    authority = parts.netloc.rpartition("@")[2]
    fields = {":method": "POST", ":scheme": parts.scheme, ":authority": authority, ":path": target}
    begin = b"".join([encoded(name, value) for name, value in (fields | {"user-agent": "handoff"}).items()])
    tls = parts.scheme == "https"
    return Server(tls, host, port or (443 if tls else 80)), begin
