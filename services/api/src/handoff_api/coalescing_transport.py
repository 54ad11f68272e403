"""The writing side of a connection: joins small writes into one system call."""

import asyncio
from collections.abc import Callable
from typing import Any


class CoalescingTransport:
    """A transport that sends all writes of one event loop turn with one system call.

    Attributes:
        receiving: whether the client is in the middle of a request. A close then only ends the server's side, because
            closing a socket with unread input resets the connection, and a reset destroys the answer.
        closed: whether `close` was called. Later writes are dropped.
        on_close: called after each close.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.receiving = False
        self.closed = False
        self.on_close: Callable[[], None] | None = None
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self.closed:
            return
        if not self._written:
            self._loop.call_soon(self.flush)
        self._written.append(data)

    def is_closing(self) -> bool:
        return self.closed or self._transport.is_closing()

    def close(self) -> None:
        self.flush()
        self.closed = True
        if self.receiving and not self._transport.is_closing():
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()
        if self.on_close is not None:
            self.on_close()

    def flush(self) -> None:
        if self._written and not self._transport.is_closing():
            self._transport.write(b"".join(self._written))
        self._written.clear()
