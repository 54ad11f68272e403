"""One HTTP/2 connection: carries requests, pings a silent server, and closes once it drained."""

import asyncio
from typing import cast

from handoff_http2 import frames
from handoff_http2.exchange import Exchange, ExchangeResult
from handoff_http2.frames import ProtocolError, encode_frame, encode_uint32
from handoff_http2.requests import Requests
from handoff_http2.responses import Responses, preface

WRITE_BUFFER_BYTES = 2**20  # with more than this unsent, no further request begins
MAX_IDLE_SECONDS = 60.0  # a connection that was idle for longer may be dead, so it is not used again
PING_AFTER_SECONDS = 10.0  # without a frame while a response is due; without an answer the same time later: abort
TLS_RECORD_BYTES = 16_384  # a full record: waiting for more to send gains nothing
CLOSE_TIMEOUT_SECONDS = 1.0
LOOP_TURNS = 3  # of the event loop before an idle connection is used: enough to read a GOAWAY that has arrived


class Connection(asyncio.Protocol):
    """Accepts requests even before the transport is connected. `max_body_bytes` limits a response's body."""

    def __init__(self, max_body_bytes: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._requests = Requests(self._buffer_write)
        self._responses = Responses(self._requests, self._buffer_write, max_body_bytes)
        self._transport: asyncio.Transport | None = None
        self._buffer: list[bytes] = []
        self._buffered_bytes = 0
        self._received_at = self._loop.time()
        self._silent_since: float | None = None  # None while no response is due
        self._ping_sent = False
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None
        self.closed: asyncio.Future[None] = self._loop.create_future()  # done when an established connection ends
        self.ready: asyncio.Future[None] = self._loop.create_future()  # done at the first SETTINGS, or at a failure

    @property
    def usable(self) -> bool:
        """Whether new requests can use this connection."""
        now = self._loop.time()
        if self._silent_since is None:
            alive = now - self._received_at < MAX_IDLE_SECONDS
        else:
            alive = now - self._silent_since < 2 * PING_AFTER_SECONDS
        return alive and not self._requests.draining

    @property
    def was_connected(self) -> bool:
        """Whether the transport was ever connected."""
        return self._transport is not None or self.closed.done()

    @property
    def settings_received(self) -> bool:
        """Whether the server's SETTINGS have arrived."""
        return self._requests.settings_received

    @property
    def made_progress(self) -> bool:
        """Whether the server responded to a request, or may still respond to one."""
        return self._requests.response_received or self._requests.active

    async def send(self, exchange: Exchange) -> None:
        """Sends the request as soon as the server accepts it, and returns when the exchange has ended.

        Cancelling this call cancels the exchange.
        """
        try:
            if self.settings_received and not self._requests.active:
                for _ in range(LOOP_TURNS):
                    await asyncio.sleep(0)
            self._submit(exchange)
            await exchange.ended
        except asyncio.CancelledError:
            self._requests.cancel(exchange)
            self._send_pending()
            raise

    def drain(self, unsent: ExchangeResult = ExchangeResult.RETRY_ELSEWHERE) -> None:
        """Accepts no further request, and closes once open streams have their responses."""
        self._requests.drain(unsent)
        self._close_if_drained()

    async def aclose(self) -> None:
        """Closes at once. Open streams end as `UNKNOWN`, waiting requests as `NOT_PROCESSED`."""
        self._requests.abort(ExchangeResult.NOT_PROCESSED)
        self._close_if_drained()
        if self._transport is not None:
            # asyncio never reports the loss of a connection that was closed during its TLS handshake.
            await asyncio.wait([self.closed], timeout=2 * CLOSE_TIMEOUT_SECONDS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        self._transport.write(preface())
        self._close_if_drained()

    def data_received(self, data: bytes) -> None:
        self._received_at, self._ping_sent = self._loop.time(), False
        try:
            self._responses.receive(data)
        except ProtocolError as error:
            self._buffer_write(encode_frame(frames.GOAWAY, 0, 0, encode_uint32(0) + encode_uint32(error.code)))
            self._abort()
        if self._requests.settings_received and not self.ready.done():
            self.ready.set_result(None)
        self._silent_since = self._received_at if self._requests.active else None
        self._send_pending()

    def pause_writing(self) -> None:
        self._requests.paused = True

    def resume_writing(self) -> None:
        self._requests.paused = False
        self._requests.send_pending()

    def eof_received(self) -> None:
        self._abort()  # the server can no longer respond
        self._close_if_drained()

    def connection_lost(self, error: Exception | None) -> None:
        self._abort()
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None  # breaks a reference cycle that would keep a TLS connection's buffers in memory
        if not self.closed.done():
            self.closed.set_result(None)

    def _submit(self, exchange: Exchange) -> None:
        if self._silent_since is None:
            self._silent_since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(PING_AFTER_SECONDS, self._check_liveness)
        self._requests.submit(exchange)
        self._requests.send_pending()

    def _abort(self) -> None:
        worked = self.settings_received  # so a new connection probably works too
        self._requests.abort(ExchangeResult.RETRY_ELSEWHERE if worked else ExchangeResult.NOT_PROCESSED)
        if not self.ready.done():
            self.ready.set_result(None)

    def _send_pending(self) -> None:
        self._requests.send_pending()
        self._close_if_drained()

    def _close_if_drained(self) -> None:
        if self._requests.draining and not self._requests.active and self._transport and not self._closing:
            self._closing = True
            self._flush()
            self._transport.close()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(CLOSE_TIMEOUT_SECONDS, self._transport.abort)

    def _buffer_write(self, data: bytes) -> None:
        """Sends the data with all else of this event-loop turn in one write."""
        if not self._buffer:
            self._loop.call_soon(self._flush)
        self._buffer.append(data)
        self._buffered_bytes += len(data)
        if self._buffered_bytes >= TLS_RECORD_BYTES:
            self._flush()

    def _flush(self) -> None:
        buffer, self._buffer, self._buffered_bytes = self._buffer, [], 0
        if buffer and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(buffer))

    def _check_liveness(self) -> None:
        self._timer = None
        if self._silent_since is None or self._transport is None:
            return
        if self._ping_sent:
            self._transport.abort()
            return
        if self._loop.time() - self._silent_since >= PING_AFTER_SECONDS:
            self._ping_sent = True
            self._buffer_write(encode_frame(frames.PING, 0, 0, b"handoff."))
        self._timer = self._loop.call_later(PING_AFTER_SECONDS, self._check_liveness)
