"""HTTP connections with bounds: a request's head has at most 64 KiB and 10 s, whoever sends it."""

import asyncio
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_LIMIT = 64 * 1024  # bytes; the parser's time grows with the square of a header's length
HEAD_S = 10.0  # seconds from the connection, or from the head's first bytes, to its end
TOO_LARGE = b"431 Request Header Fields Too Large"
TOO_SLOW = b"408 Request Timeout"


class Corked:
    """A transport that makes one system call of what is written in a turn of the loop, as a head and its body are.

    What is written to a connection that is gone is dropped.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._kept:
            self._loop.call_soon(self._flush)
        self._kept.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._kept and not self._transport.is_closing():
            self._transport.write(b"".join(self._kept))
        self._kept.clear()


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections whose head grows or waits without end; bodies have bounds of their own."""

    _complete = False
    _size = 0
    _late: asyncio.TimerHandle | None = None
    _served: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(cast(asyncio.Transport, Corked(transport, self.loop)))
        self._late = self.loop.call_later(HEAD_S, self._refuse, TOO_SLOW)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)
        if self._served is not None and not self._served.response_complete:  # uvicorn tells the newest request alone
            self._served.disconnected = True
            self._served.message_event.set()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._complete or self.transport.is_closing():
            return
        self._size += len(data)
        if self._size > HEAD_LIMIT:
            self._refuse(TOO_LARGE)
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._refuse, TOO_SLOW)

    def on_message_begin(self) -> None:
        self._complete = False
        self._size = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._complete = True
        self._in_time()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.scope["state"]["whole"] = True
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: bytes) -> None:
        self._in_time()
        self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
