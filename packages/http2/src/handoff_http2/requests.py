"""The sending side of a connection: opens streams, and sends bodies within the server's flow-control windows."""

from collections import deque
from collections.abc import Callable

from handoff_http2 import frames
from handoff_http2.exchange import Exchange, ExchangeResult
from handoff_http2.frames import ProtocolError, encode_frame, encode_uint32


class Requests:
    """The requests of one connection. `write` sends bytes to the server."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._waiting: deque[Exchange] = deque()
        self._open: dict[int, Exchange] = {}  # by stream id
        self._blocked: dict[int, Exchange] = {}  # open streams whose bodies wait for a flow-control window
        self._next_stream_id = 1
        self._connection_window = self._initial_window = 65_535  # bytes that the server accepts
        self._result_when_draining = ExchangeResult.RETRY_ELSEWHERE
        self.max_concurrent_streams = frames.MAX_UINT31
        self.settings_received = False  # no request begins before the server's SETTINGS
        self.paused = False  # the transport's write buffer is full
        self.draining = False  # no further request begins
        self.response_received = False  # to at least one request

    @property
    def active(self) -> bool:
        """Whether a request waits to begin, or waits for its response."""
        return bool(self._open or self._waiting)

    def submit(self, exchange: Exchange) -> None:
        """Queues a request, or ends its exchange at once if the connection drains."""
        if self.draining:
            exchange.finish(self._result_when_draining)
        else:
            self._waiting.append(exchange)

    def send_pending(self) -> None:
        """Sends all that the flow-control windows and the limit on concurrent streams permit."""
        if self._blocked and self._connection_window > 0:
            for exchange in list(self._blocked.values()):
                self._send_body(exchange)
        while (
            self._waiting
            and self.settings_received
            and not self.paused
            and len(self._open) < self.max_concurrent_streams
        ):
            exchange = self._waiting.popleft()
            if exchange.ended.cancelled():  # the caller stopped waiting in this turn of the event loop
                exchange.finish(ExchangeResult.NOT_PROCESSED)
                continue
            exchange.stream_id, exchange.send_window = self._next_stream_id, self._initial_window
            self._open[exchange.stream_id] = exchange
            self._write(encode_frame(frames.HEADERS, frames.END_HEADERS, exchange.stream_id, exchange.fields))
            self._send_body(exchange)
            self._next_stream_id += 2
            if self._next_stream_id > frames.MAX_UINT31:
                self.drain()

    def cancel(self, exchange: Exchange) -> None:
        """Ends an exchange whose caller stopped waiting."""
        if exchange.stream_id in self._open:
            self.reset_stream(exchange, ExchangeResult.CANCELLED)
        elif exchange.result is None:
            if exchange in self._waiting:
                self._waiting.remove(exchange)
            exchange.finish(ExchangeResult.NOT_PROCESSED)

    def drain(
        self, unsent: ExchangeResult = ExchangeResult.RETRY_ELSEWHERE, *, last_stream_id: int = frames.MAX_UINT31
    ) -> None:
        """Begins no further request. Queued and later ones end with `unsent`, as do streams above `last_stream_id`."""
        if not self.draining:
            self.draining, self._result_when_draining = True, unsent
        while self._waiting:
            self._waiting.popleft().finish(unsent)
        for stream_id in [stream_id for stream_id in self._open if stream_id > last_stream_id]:
            self.reject(self._open[stream_id], unsent)

    def abort(self, unsent: ExchangeResult) -> None:
        """Ends all exchanges because the connection is gone; queued ones end with `unsent`."""
        self.drain(unsent)
        while self._open:
            self._open.popitem()[1].finish(ExchangeResult.UNKNOWN)

    def reject(self, exchange: Exchange, result: ExchangeResult) -> None:
        """Ends a stream that the server reports as not processed. A response that began contradicts the report."""
        self.close_stream(exchange, ExchangeResult.UNKNOWN if exchange.response_started else result)

    def close_stream(self, exchange: Exchange, result: ExchangeResult) -> None:
        """Ends an exchange whose stream is closed."""
        del self._open[exchange.stream_id]
        self._blocked.pop(exchange.stream_id, None)
        self.response_received |= result is ExchangeResult.RESPONDED
        exchange.finish(result)

    def reset_stream(self, exchange: Exchange, result: ExchangeResult) -> None:
        """Sends RST_STREAM and ends the exchange."""
        self._write(encode_frame(frames.RST_STREAM, 0, exchange.stream_id, encode_uint32(frames.CANCEL)))
        self.close_stream(exchange, result)

    def find(self, stream_id: int) -> Exchange | None:
        """Returns the exchange of a stream, or None if the stream is closed.

        Raises:
            ProtocolError: the client never opened this stream.
        """
        if stream_id % 2 == 0 or stream_id >= self._next_stream_id:
            raise ProtocolError(frames.PROTOCOL_ERROR)
        return self._open.get(stream_id)

    def set_initial_window(self, window: int) -> None:
        """Applies SETTINGS_INITIAL_WINDOW_SIZE, in bytes, to open and future streams."""
        change, self._initial_window = window - self._initial_window, checked_window(window)
        for exchange in self._open.values():
            exchange.send_window = checked_window(exchange.send_window + change)

    def extend_window(self, stream_id: int, increment: int) -> None:
        """Applies a WINDOW_UPDATE of `increment` bytes to a stream, or to the connection for stream id 0."""
        if not stream_id:
            self._connection_window = checked_window(self._connection_window + increment)
        elif exchange := self.find(stream_id):
            exchange.send_window = checked_window(exchange.send_window + increment)

    def _send_body(self, exchange: Exchange) -> None:
        stream_id = exchange.stream_id
        while (unsent := exchange.unsent) is not None:
            window = max(0, min(self._connection_window, exchange.send_window, frames.MAX_PAYLOAD_BYTES))
            if unsent and not window:
                self._blocked[stream_id] = exchange
                return
            piece, exchange.unsent = (unsent, None) if len(unsent) <= window else (unsent[:window], unsent[window:])
            self._connection_window -= len(piece)
            exchange.send_window -= len(piece)
            self._write(encode_frame(frames.DATA, 0 if exchange.unsent else frames.END_STREAM, stream_id, piece))
        self._blocked.pop(stream_id, None)


def checked_window(window: int) -> int:
    """Returns the window, in bytes. Raises `ProtocolError` if it exceeds the protocol's maximum."""
    if window > frames.MAX_UINT31:
        raise ProtocolError(frames.FLOW_CONTROL_ERROR)
    return window
