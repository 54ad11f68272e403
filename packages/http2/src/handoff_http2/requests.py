"""What a connection asks: requests begin as soon as the server takes them, and their bodies go out as it has room."""

from collections import deque
from collections.abc import Callable

from handoff_http2 import frames
from handoff_http2.exchange import End, Exchange
from handoff_http2.frames import Broken, frame, number


class Requests:
    """The requests of one connection. `write` takes what is to be sent."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._waiting: deque[Exchange] = deque()
        self._open: dict[int, Exchange] = {}
        self._held: dict[int, Exchange] = {}  # there is no room for all of their bodies
        self._next = 1
        self._window = self._first_window = 65_535  # bytes that the server takes: of all, of one that begins
        self.most = frames.MOST  # that it takes at a time
        self.settled = False  # it has said so; nothing begins before
        self.paused = False  # the network is slower than we are
        self.over = False  # nothing begins any more
        self._then = End.MOVED  # how what comes afterwards ends
        self.replied = False  # to one at least

    @property
    def busy(self) -> bool:
        """Something waits, to begin or for its reply."""
        return bool(self._open or self._waiting)

    def ask(self, exchange: Exchange) -> None:
        """Takes a request, which is sent as soon as may be."""
        if self.over:
            exchange.over(self._then)
        else:
            self._waiting.append(exchange)

    def go_on(self) -> None:
        """Sends what waits, as far as it may."""
        if self._held and self._window > 0:
            for exchange in list(self._held.values()):
                self._send(exchange)
        while self._waiting and self.settled and not self.paused and len(self._open) < self.most:
            exchange = self._waiting.popleft()
            if exchange.ended.cancelled():  # in this moment: nobody waits for it
                exchange.over(End.REFUSED)
                continue
            exchange.stream, exchange.window = self._next, self._first_window
            self._open[exchange.stream] = exchange
            self._write(frame(frames.HEADERS, frames.END_HEADERS, exchange.stream, exchange.fields))
            self._send(exchange)
            self._next += 2
            if self._next > frames.MOST:
                self.retire()

    def give_up(self, exchange: Exchange) -> None:
        """Nobody waits for the reply any more."""
        if exchange.stream in self._open:
            self.reset(exchange, End.LATE)
        elif exchange.end is None:
            if exchange in self._waiting:
                self._waiting.remove(exchange)
            exchange.over(End.REFUSED)

    def retire(self, waiting: End = End.MOVED, *, after: int = frames.MOST) -> None:
        """Begins nothing more. What waits or comes ends so, and so do streams that began after the one named."""
        if not self.over:
            self.over, self._then = True, waiting
        while self._waiting:
            self._waiting.popleft().over(waiting)
        for stream in [stream for stream in self._open if stream > after]:
            self.undone(self._open[stream], waiting)

    def cut(self, waiting: End) -> None:
        """The connection is no more. What waits ends so."""
        self.retire(waiting)
        while self._open:
            self._open.popitem()[1].over(End.LOST)

    def undone(self, exchange: Exchange, end: End) -> None:
        """The server did nothing for it, as it says; which isn't so where it has begun to reply."""
        self.close(exchange, End.LOST if exchange.heard else end)

    def close(self, exchange: Exchange, end: End) -> None:
        """Its stream is over."""
        del self._open[exchange.stream]
        self._held.pop(exchange.stream, None)
        self.replied |= end is End.REPLIED
        exchange.over(end)

    def reset(self, exchange: Exchange, end: End) -> None:
        """Ends its stream before its end."""
        self._write(frame(frames.RST_STREAM, 0, exchange.stream, number(frames.CANCEL)))
        self.close(exchange, end)

    def of(self, stream: int) -> Exchange | None:
        """What a stream is for, none if it is over. Raises `Broken` if there never was such a stream."""
        if stream % 2 == 0 or stream >= self._next:
            raise Broken(frames.PROTOCOL_ERROR)
        return self._open.get(stream)

    def widen_each(self, window: int) -> None:
        """So many bytes are taken of each request."""
        more, self._first_window = window - self._first_window, checked(window)
        for exchange in self._open.values():
            exchange.window = checked(exchange.window + more)

    def widen(self, stream: int, more: int) -> None:
        """So many bytes more are taken of one request; stream 0: of all together."""
        if not stream:
            self._window = checked(self._window + more)
        elif exchange := self.of(stream):
            exchange.window = checked(exchange.window + more)

    def _send(self, exchange: Exchange) -> None:
        while (rest := exchange.rest) is not None:
            room = max(0, min(self._window, exchange.window, frames.LONGEST))
            if rest and not room:
                self._held[exchange.stream] = exchange
                return
            piece, exchange.rest = (rest, None) if len(rest) <= room else (rest[:room], rest[room:])
            self._window -= len(piece)
            exchange.window -= len(piece)
            self._write(frame(frames.DATA, 0 if exchange.rest else frames.END_STREAM, exchange.stream, piece))
        self._held.pop(exchange.stream, None)


def checked(window: int) -> int:
    """A window, if it may be so large. Raises `Broken`."""
    if window > frames.MOST:
        raise Broken(frames.FLOW_CONTROL_ERROR)
    return window
