"""`Http2Client` posts requests over HTTP/2, all those to one origin on the same connection."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlsplit

from handoff_http2.connection import Connection
from handoff_http2.dialer import Dialer, Origin
from handoff_http2.exchange import Exchange, ExchangeResult
from handoff_http2.fields import encode_field
from handoff_http2.frames import MAX_PAYLOAD_BYTES

PRINTABLE_ASCII = re.compile(r"[!-~]+")
MAX_CONNECTIONS_WITHOUT_PROGRESS = 2  # that one request tries before it gives up


class DeadlineLike(Protocol):
    """Limits the time of a block. `handoff_common.deadline.Deadline` fits."""

    def scope(self) -> AbstractContextManager[None]:
        """Raises `TimeoutError` from the block when its time is over."""


class Http2Client:
    """The connections of one event loop. It neither follows redirects nor uses a proxy.

    `deadline` limits one exchange, `connect_timeout` one connection attempt, in seconds. A response's body is cut at
    `max_body_bytes`.
    """

    def __init__(self, deadline: DeadlineLike, connect_timeout: float, max_body_bytes: int) -> None:
        self._deadline = deadline
        self._dialer = Dialer(connect_timeout)
        self._max_body_bytes = max_body_bytes
        self._connections: dict[Origin, Connection] = {}
        self._dialing: set[asyncio.Task[None]] = set()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        """Posts a body and returns the exchange once it has ended, with any result.

        Raises:
            ValueError: the URL or a header is malformed.
        """
        origin, target_fields = parse_url(url)
        fields = [target_fields, encode_field("content-length", str(len(body)))]
        fields += [encode_field(name, value) for name, value in headers.items()]
        if len(header := b"".join(fields)) > MAX_PAYLOAD_BYTES:
            raise ValueError("the headers are too long")
        exchange, without_progress = Exchange(header, body), 0
        try:
            with self._deadline.scope():
                await self._connection(origin).send(exchange)
                while (
                    exchange.result is ExchangeResult.RETRY_ELSEWHERE
                    and without_progress < MAX_CONNECTIONS_WITHOUT_PROGRESS
                ):
                    exchange = Exchange(header, body)
                    connection = self._connection(origin)
                    await connection.send(exchange)
                    without_progress += not connection.made_progress
        except TimeoutError:
            pass  # the connection has set the exchange's result
        return exchange

    async def aclose(self) -> None:
        """Closes the connections. A later request opens a new one."""
        connections, self._connections = self._connections, {}
        dialing = list(self._dialing)
        for task in dialing:
            task.cancel()
        closing = [connection.aclose() for connection in connections.values()]
        await asyncio.gather(*dialing, *closing, return_exceptions=True)

    def _connection(self, origin: Origin) -> Connection:
        current = self._connections.get(origin)
        if current and current.usable:
            return current
        if current:
            current.drain()
        connection = self._connections[origin] = Connection(self._max_body_bytes)
        dialing = asyncio.get_running_loop().create_task(self._dialer.dial(origin, connection))
        self._dialing.add(dialing)
        dialing.add_done_callback(self._dialing.discard)
        return connection


@lru_cache(maxsize=64)
def parse_url(url: str) -> tuple[Origin, bytes]:
    """Returns the origin of a URL, and the encoded header fields that name the URL in a POST.

    Raises:
        ValueError: the URL is malformed.
    """
    host = port = None
    parts = urlsplit(url if PRINTABLE_ASCII.fullmatch(url) else "")
    with suppress(ValueError):  # its text quotes a part of the URL
        host, port = parts.hostname, parts.port
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("the URL is malformed")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    authority = parts.netloc.rpartition("@")[2]
    fields = {":method": "POST", ":scheme": parts.scheme, ":authority": authority, ":path": path}
    encoded = b"".join([encode_field(name, value) for name, value in (fields | {"user-agent": "handoff"}).items()])
    tls = parts.scheme == "https"
    return Origin(tls, host, port or (443 if tls else 80)), encoded
