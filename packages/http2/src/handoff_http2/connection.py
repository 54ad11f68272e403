"""One connection to a server: what it carries, and when it is given up."""

import asyncio
from typing import cast

from handoff_http2 import frames
from handoff_http2.exchange import End, Exchange
from handoff_http2.frames import Broken, frame, number
from handoff_http2.requests import Requests
from handoff_http2.responses import Replies, greeting

BUFFER = 2**20  # bytes that wait for the network before no more requests begin
IDLE_SECONDS = 60.0  # one that carried nothing for so long may be dead, and isn't used again
LOOK_SECONDS = 10.0  # one that is silent for so long is asked for a sign of life, and given up after as long again
RECORD = 16_384  # bytes of one of TLS's records: more are not worth waiting for
CLOSE_SECONDS = 1.0  # for taking leave
# The loop stands still between two tasks: so many turns, and it has read what was said meanwhile, a farewell perhaps.
TURNS = 3


class Connection(asyncio.Protocol):
    """Takes requests even before it is made. Of a reply's body `reply_limit` bytes are read."""

    def __init__(self, reply_limit: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._requests = Requests(self._write)
        self._replies = Replies(self._requests, self._write, reply_limit)
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._size = 0
        self._heard = self._loop.time()
        self._owed: float | None = None  # since when the server has something to say, and is silent
        self._pinged = False  # it was asked for a sign of life
        self._leaving = False
        self._timer: asyncio.TimerHandle | None = None
        self.lost: asyncio.Future[None] = self._loop.create_future()  # it was made, and is no more
        self.ready: asyncio.Future[None] = self._loop.create_future()  # what was asked may begin; or never will

    @property
    def usable(self) -> bool:
        """It takes requests."""
        now = self._loop.time()
        alive = now - self._heard < IDLE_SECONDS if self._owed is None else now - self._owed < 2 * LOOK_SECONDS
        return alive and not self._requests.over

    @property
    def made(self) -> bool:
        """There was a way to the server."""
        return self._transport is not None or self.lost.done()

    @property
    def settled(self) -> bool:
        """The server has told its settings."""
        return self._requests.settled

    @property
    def fruitful(self) -> bool:
        """The server has replied to something, or has taken what it may reply to."""
        return self._requests.replied or self._requests.busy

    async def carry(self, exchange: Exchange) -> None:
        """Sends the request as soon as may be. Returns when the exchange has ended; cancelled, it is given up."""
        try:
            if self.settled and not self._requests.busy:
                for _ in range(TURNS):
                    await asyncio.sleep(0)
            self._ask(exchange)
            await exchange.ended
        except asyncio.CancelledError:
            self._requests.give_up(exchange)
            self._go_on()
            raise

    def retire(self, waiting: End = End.MOVED) -> None:
        """Takes no more requests, and goes as soon as those that began have their replies."""
        self._requests.retire(waiting)
        self._leave()

    async def aclose(self) -> None:
        """Takes leave of the server. Nobody knows what becomes of requests that have no reply yet."""
        self._requests.cut(End.REFUSED)
        self._leave()
        if self._transport is not None:
            # Where it was cut off while it was made, nobody tells that it is lost.
            await asyncio.wait([self.lost], timeout=2 * CLOSE_SECONDS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(BUFFER)
        self._transport.write(greeting())
        self._leave()

    def data_received(self, data: bytes) -> None:
        self._heard, self._pinged = self._loop.time(), False
        try:
            self._replies.receive(data)
        except Broken as error:
            self._write(frame(frames.GOAWAY, 0, 0, number(0) + number(error.code)))
            self._end()
        if self._requests.settled and not self.ready.done():
            self.ready.set_result(None)
        self._owed = self._heard if self._requests.busy else None
        self._go_on()

    def pause_writing(self) -> None:
        self._requests.paused = True

    def resume_writing(self) -> None:
        self._requests.paused = False
        self._requests.go_on()

    def eof_received(self) -> None:
        self._end()  # there will be no reply
        self._leave()

    def connection_lost(self, error: Exception | None) -> None:
        self._end()
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None  # they hold each other, and what a TLS connection holds is large
        if not self.lost.done():
            self.lost.set_result(None)

    def _ask(self, exchange: Exchange) -> None:
        if self._owed is None:
            self._owed = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
        self._requests.ask(exchange)
        self._requests.go_on()

    def _end(self) -> None:
        self._requests.cut(End.MOVED if self.settled else End.REFUSED)
        if not self.ready.done():
            self.ready.set_result(None)

    def _go_on(self) -> None:
        self._requests.go_on()
        self._leave()

    def _leave(self) -> None:
        if self._requests.over and not self._requests.busy and self._transport and not self._leaving:
            self._leaving = True
            self._flush()
            self._transport.close()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def _write(self, data: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)
        self._size += len(data)
        if self._size >= RECORD:
            self._flush()

    def _flush(self) -> None:
        out, self._out, self._size = self._out, [], 0
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    def _look(self) -> None:
        self._timer = None
        if self._owed is None or self._transport is None:
            return
        if self._pinged:
            self._transport.abort()
            return
        if self._loop.time() - self._owed >= LOOK_SECONDS:
            self._pinged = True
            self._write(frame(frames.PING, 0, 0, b"handoff."))
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
