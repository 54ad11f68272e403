"""The receiving side of a connection: one handler for each type of frame."""

from collections.abc import Callable, Mapping
from struct import Struct

from handoff_http2 import frames
from handoff_http2.exchange import Exchange, ExchangeResult
from handoff_http2.fields import HeaderDecoder
from handoff_http2.frames import ProtocolError, encode_frame, encode_uint32, strip_padding
from handoff_http2.requests import Requests

STREAM_WINDOW_BYTES = 2**17  # the flow-control window of one response, above the limit on its body
WINDOW_UPDATE_BYTES = 2**30  # of DATA received after which the connection's window is extended again
MAX_HEADER_BYTES = 64 * 1024
SETTING = Struct(">HI")
SETTINGS = {frames.HEADER_TABLE_SIZE: 0, frames.ENABLE_PUSH: 0, frames.INITIAL_WINDOW_SIZE: STREAM_WINDOW_BYTES}


def preface() -> bytes:
    """Returns the client's connection preface, with the largest possible connection window."""
    settings = b"".join(SETTING.pack(name, value) for name, value in SETTINGS.items())
    increment = encode_uint32(frames.MAX_UINT31 - 65_535)
    return (
        frames.PREFACE
        + encode_frame(frames.SETTINGS, 0, 0, settings)
        + encode_frame(frames.WINDOW_UPDATE, 0, 0, increment)
    )


class Responses:
    """The responses to `requests`. Bodies are cut at `max_body_bytes`; RST_STREAM declines the rest."""

    def __init__(self, requests: Requests, write: Callable[[bytes], None], max_body_bytes: int) -> None:
        self._requests = requests
        self._write = write
        self._max_body_bytes = max_body_bytes
        self._reader = frames.FrameReader()
        self._decoder = HeaderDecoder()
        self._received_bytes = 0  # of DATA since the last WINDOW_UPDATE
        self._partial_header: tuple[int, int, bytes] | None = None  # flags, stream id, block before CONTINUATION
        self._handlers: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._on_data,
            frames.HEADERS: self._on_headers,
            frames.RST_STREAM: self._on_rst_stream,
            frames.SETTINGS: self._on_settings,
            frames.PUSH_PROMISE: self._on_push_promise,
            frames.PING: self._on_ping,
            frames.GOAWAY: self._on_goaway,
            frames.WINDOW_UPDATE: self._on_window_update,
            frames.CONTINUATION: self._on_continuation,
        }

    def receive(self, data: bytes) -> None:
        """Handles all frames that `data` completes; frames of unknown types are ignored.

        Raises:
            ProtocolError: the server violated the protocol, so the connection has to close.
        """
        for frame_type, flags, stream_id, payload in self._reader.feed(data):
            if not self._requests.settings_received and frame_type != frames.SETTINGS:
                raise ProtocolError(frames.PROTOCOL_ERROR)
            if self._partial_header and (frame_type, stream_id) != (frames.CONTINUATION, self._partial_header[1]):
                raise ProtocolError(frames.PROTOCOL_ERROR)
            if handle := self._handlers.get(frame_type):
                handle(flags, stream_id, payload)

    def _on_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if flags & frames.PADDED:
            payload = strip_padding(payload)
        if flags & frames.PRIORITY:
            payload = payload[5:]
        if not flags & frames.END_HEADERS:
            self._partial_header = flags & frames.END_STREAM, stream_id, payload
            return
        status, fields = self._decoder.decode(payload)
        if exchange := self._requests.find(stream_id):
            self._set_header(exchange, status, fields)
            if flags & frames.END_STREAM:
                self._complete(exchange)

    def _on_continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if not self._partial_header:
            raise ProtocolError(frames.PROTOCOL_ERROR)
        first_flags, _, block = self._partial_header
        if len(block) + len(payload) > MAX_HEADER_BYTES:
            raise ProtocolError(frames.ENHANCE_YOUR_CALM)
        self._partial_header = None
        self._on_headers(first_flags | flags & frames.END_HEADERS, stream_id, block + payload)

    def _set_header(self, exchange: Exchange, status: int, fields: Mapping[str, str]) -> None:
        exchange.response_started = True
        if exchange.status:
            return  # trailers
        if not status:
            raise ProtocolError(frames.PROTOCOL_ERROR)
        if status >= 200:  # an informational response precedes another header
            exchange.status, exchange.headers = status, fields

    def _on_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._received_bytes += len(payload)
        if self._received_bytes >= WINDOW_UPDATE_BYTES:
            self._write(encode_frame(frames.WINDOW_UPDATE, 0, 0, encode_uint32(self._received_bytes)))
            self._received_bytes = 0
        if flags & frames.PADDED:
            payload = strip_padding(payload)
        if (exchange := self._requests.find(stream_id)) is None:
            return
        if not exchange.status:
            raise ProtocolError(frames.PROTOCOL_ERROR)
        exchange.body += payload
        if len(exchange.body) > self._max_body_bytes:
            exchange.body = exchange.body[: self._max_body_bytes]
            self._requests.reset_stream(exchange, ExchangeResult.RESPONDED)
        elif flags & frames.END_STREAM:
            self._complete(exchange)

    def _complete(self, exchange: Exchange) -> None:
        result = ExchangeResult.RESPONDED if exchange.status else ExchangeResult.UNKNOWN
        if exchange.unsent is None:
            self._requests.close_stream(exchange, result)
        else:  # the server responded without reading the whole request
            self._requests.reset_stream(exchange, result)

    def _on_rst_stream(self, flags: int, stream_id: int, payload: bytes) -> None:
        if exchange := self._requests.find(stream_id):
            refused = payload == encode_uint32(frames.REFUSED_STREAM)
            self._requests.reject(exchange, ExchangeResult.NOT_PROCESSED if refused else ExchangeResult.UNKNOWN)

    def _on_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        if len(payload) % SETTING.size:
            raise ProtocolError(frames.FRAME_SIZE_ERROR)
        for name, value in SETTING.iter_unpack(payload):
            if name == frames.MAX_CONCURRENT_STREAMS:
                self._requests.max_concurrent_streams = value
            elif name == frames.INITIAL_WINDOW_SIZE:
                self._requests.set_initial_window(value)
        self._write(encode_frame(frames.SETTINGS, frames.ACK, 0))
        self._requests.settings_received = True

    def _on_window_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        increment = int.from_bytes(payload) & frames.MAX_UINT31
        if len(payload) != 4 or not increment:
            raise ProtocolError(frames.PROTOCOL_ERROR)
        self._requests.extend_window(stream_id, increment)

    def _on_push_promise(self, flags: int, stream_id: int, payload: bytes) -> None:
        raise ProtocolError(frames.PROTOCOL_ERROR)  # the client's SETTINGS disable push

    def _on_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id or len(payload) != 8:
            raise ProtocolError(frames.FRAME_SIZE_ERROR)
        if not flags & frames.ACK:
            self._write(encode_frame(frames.PING, frames.ACK, 0, payload))

    def _on_goaway(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id or len(payload) < 8:
            raise ProtocolError(frames.FRAME_SIZE_ERROR)
        self._requests.drain(last_stream_id=int.from_bytes(payload[:4]) & frames.MAX_UINT31)
