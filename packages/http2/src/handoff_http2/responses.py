"""What a connection hears: the frames of the server, each taken by what it is."""

from collections.abc import Callable, Mapping
from struct import Struct

from handoff_http2 import frames
from handoff_http2.exchange import End, Exchange
from handoff_http2.fields import Headers
from handoff_http2.frames import Broken, frame, number, unpadded
from handoff_http2.requests import Requests

WINDOW = 2**17  # bytes of one reply that the server may send; more than are read of it
REFILL = 2**30  # bytes of all replies after which it is asked for as many again
HEADER_LIMIT = 64 * 1024  # bytes of a reply's header
SETTING = Struct(">HI")
SETTINGS = {frames.HEADER_TABLE_SIZE: 0, frames.ENABLE_PUSH: 0, frames.INITIAL_WINDOW_SIZE: WINDOW}


def greeting() -> bytes:
    """What a client says first."""
    settings = b"".join(SETTING.pack(name, value) for name, value in SETTINGS.items())
    refill = number(frames.MOST - 65_535)
    return frames.PREFACE + frame(frames.SETTINGS, 0, 0, settings) + frame(frames.WINDOW_UPDATE, 0, 0, refill)


class Replies:
    """The replies to `requests`. Of a body `limit` bytes are read, and what is longer is declined."""

    def __init__(self, requests: Requests, write: Callable[[bytes], None], limit: int) -> None:
        self._requests = requests
        self._write = write
        self._limit = limit
        self._reader = frames.Reader()
        self._fields = Headers()
        self._taken = 0  # bytes since the server was asked for more
        self._begun: tuple[int, int, bytes] | None = None  # a header that goes on: flags, stream, its begin
        self._takers: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._data,
            frames.HEADERS: self._headers,
            frames.RST_STREAM: self._reset,
            frames.SETTINGS: self._settings,
            frames.PUSH_PROMISE: self._promise,
            frames.PING: self._ping,
            frames.GOAWAY: self._goaway,
            frames.WINDOW_UPDATE: self._window,
            frames.CONTINUATION: self._continuation,
        }

    def receive(self, data: bytes) -> None:
        """Takes what came. Raises `Broken` when it makes no sense; then there is nothing more to say."""
        for kind, flags, stream, payload in self._reader.frames(data):
            if not self._requests.settled and kind != frames.SETTINGS:
                raise Broken(frames.PROTOCOL_ERROR)
            if self._begun and (kind, stream) != (frames.CONTINUATION, self._begun[1]):
                raise Broken(frames.PROTOCOL_ERROR)
            if take := self._takers.get(kind):
                take(flags, stream, payload)

    def _headers(self, flags: int, stream: int, payload: bytes) -> None:
        if flags & frames.PADDED:
            payload = unpadded(payload)
        if flags & frames.PRIORITY:
            payload = payload[5:]
        if not flags & frames.END_HEADERS:
            self._begun = flags & frames.END_STREAM, stream, payload
            return
        status, fields = self._fields.read(payload)
        if exchange := self._requests.of(stream):
            self._header(exchange, status, fields)
            if flags & frames.END_STREAM:
                self._whole(exchange)

    def _continuation(self, flags: int, stream: int, payload: bytes) -> None:
        if not self._begun:
            raise Broken(frames.PROTOCOL_ERROR)
        first, _, begin = self._begun
        if len(begin) + len(payload) > HEADER_LIMIT:
            raise Broken(frames.ENHANCE_YOUR_CALM)
        self._begun = None
        self._headers(first | flags & frames.END_HEADERS, stream, begin + payload)

    def _header(self, exchange: Exchange, status: int, fields: Mapping[str, str]) -> None:
        exchange.heard = True
        if exchange.status:
            return  # it is what follows a body
        if not status:
            raise Broken(frames.PROTOCOL_ERROR)
        if status >= 200:  # else another one is to come
            exchange.status, exchange.headers = status, fields

    def _data(self, flags: int, stream: int, payload: bytes) -> None:
        self._taken += len(payload)
        if self._taken >= REFILL:
            self._write(frame(frames.WINDOW_UPDATE, 0, 0, number(self._taken)))
            self._taken = 0
        if flags & frames.PADDED:
            payload = unpadded(payload)
        if (exchange := self._requests.of(stream)) is None:
            return
        if not exchange.status:
            raise Broken(frames.PROTOCOL_ERROR)
        exchange.body += payload
        if len(exchange.body) > self._limit:
            exchange.body = exchange.body[: self._limit]
            self._requests.reset(exchange, End.REPLIED)
        elif flags & frames.END_STREAM:
            self._whole(exchange)

    def _whole(self, exchange: Exchange) -> None:
        end = End.REPLIED if exchange.status else End.LOST
        if exchange.rest is None:
            self._requests.close(exchange, end)
        else:  # the server wants to read no more of the request
            self._requests.reset(exchange, end)

    def _reset(self, flags: int, stream: int, payload: bytes) -> None:
        if exchange := self._requests.of(stream):
            refused = payload == number(frames.REFUSED_STREAM)
            self._requests.undone(exchange, End.REFUSED if refused else End.LOST)

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        if len(payload) % SETTING.size:
            raise Broken(frames.FRAME_SIZE_ERROR)
        for name, value in SETTING.iter_unpack(payload):
            if name == frames.MAX_CONCURRENT_STREAMS:
                self._requests.most = value
            elif name == frames.INITIAL_WINDOW_SIZE:
                self._requests.widen_each(value)
        self._write(frame(frames.SETTINGS, frames.ACK, 0))
        self._requests.settled = True

    def _window(self, flags: int, stream: int, payload: bytes) -> None:
        more = int.from_bytes(payload) & frames.MOST
        if len(payload) != 4 or not more:
            raise Broken(frames.PROTOCOL_ERROR)
        self._requests.widen(stream, more)

    def _promise(self, flags: int, stream: int, payload: bytes) -> None:
        raise Broken(frames.PROTOCOL_ERROR)  # we said that we want none

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) != 8:
            raise Broken(frames.FRAME_SIZE_ERROR)
        if not flags & frames.ACK:
            self._write(frame(frames.PING, frames.ACK, 0, payload))

    def _goaway(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) < 8:
            raise Broken(frames.FRAME_SIZE_ERROR)
        self._requests.retire(after=int.from_bytes(payload[:4]) & frames.MOST)
