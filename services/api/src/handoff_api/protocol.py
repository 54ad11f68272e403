"""HTTP connections with bounds: a request's head has at most 64 KiB and 10 s, whoever sends it."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024  # bytes; the parser's time grows with the square of a header's length
HEAD_S = 10.0  # seconds from the connection, or from the head's first bytes, to its end
TOO_LARGE = b"431 Request Header Fields Too Large"
TOO_SLOW = b"408 Request Timeout"


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections whose head grows or waits without end; bodies have bounds of their own."""

    _complete = False
    _size = 0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_S, self._refuse, TOO_SLOW)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

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

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: bytes) -> None:
        self._in_time()
        self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
