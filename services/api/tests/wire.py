"""A test bench for connections: a real socket, the protocol class, a small application and a manual clock."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httptools
import uvloop
from uvicorn.config import Config
from uvicorn.server import ServerState

from handoff_api.connection import CLOSED
from handoff_api.protocol import BoundedProtocol

KEEP_ALIVE = 65
LARGE = b"x" * (16 << 20)  # more than the buffers of two sockets hold


@dataclass
class Alarm:
    due: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """An event loop whose time only moves when the test calls `wait` or `ring`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._now = 0.0
        self._alarms: list[Alarm] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def time(self) -> float:
        return self._now

    def call_later(self, seconds: float, call: Callable[[], None]) -> Alarm:
        self._alarms.append(Alarm(self._now + seconds, call))
        return self._alarms[-1]

    def armed(self) -> list[Alarm]:
        self._alarms = [alarm for alarm in self._alarms if not alarm.cancelled]
        return self._alarms

    def wait(self, seconds: float) -> None:
        """Move the time, and call every alarm on the way."""
        end = self._now + seconds
        while any(alarm.due <= end for alarm in self.armed()):
            self.ring()
        self._now = end

    def ring(self) -> None:
        """Move the time to the next alarm, and call it."""
        alarm = min(self.armed(), key=lambda each: each.due)
        self._alarms.remove(alarm)
        self._now = alarm.due
        alarm.call()


class Observed(BoundedProtocol):
    """A protocol that counts the bytes that arrived."""

    seen = 0

    def data_received(self, data: bytes) -> None:
        self.seen += len(data)
        super().data_received(data)


@dataclass
class Answers:
    """The answers that a client received, parsed independently."""

    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self.bodies.append(b"")

    def on_body(self, body: bytes) -> None:
        self.bodies[-1] += body

    def on_message_complete(self) -> None:
        self.statuses.append(self._parser.get_status_code())


class Client:
    """Both ends of one connection. The client reads nothing before `read`."""

    def __init__(self, protocol: Observed, connection: socket.socket, clock: Clock) -> None:
        self.protocol, self.connection, self.clock = protocol, connection, clock
        self.answers = Answers()
        self.sent = 0
        self._reading: asyncio.Task[None] | None = None

    def read(self) -> None:
        """Start reading, and close the client's side when the server closes."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while data := await loop.sock_recv(self.connection, 1 << 16):
                self.answers.feed(data)
            self.half_close()

    async def send(self, data: bytes) -> None:
        """Send one segment. Return when the server has read it, or has stopped reading."""
        with suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(self.connection, data)
        self.sent += len(data)
        await until(self._arrived)

    def _arrived(self) -> bool:
        protocol = self.protocol
        return protocol.seen == self.sent or protocol.flow.read_paused or protocol.state is CLOSED

    def half_close(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    async def end(self) -> list[str]:
        """Let every timer expire until the server has closed. Return the states in which timers expired."""
        states: list[str] = []
        await turns()
        while self.protocol.state is not CLOSED:
            assert len(self.clock.armed()) == 1, self.protocol.state.name
            if self.protocol.state.name not in states[-1:]:  # a moved deadline takes two alarms
                states.append(self.protocol.state.name)
            assert len(states) < 12, states
            self.clock.ring()
            await turns()
        assert not self.clock.armed()
        if self._reading is not None:
            await self._reading
        return states

    async def close(self, *, reset: bool = False) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._reading = None
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # conditions on both ends of a socket have no event in common
            await asyncio.sleep(0)


async def turns() -> None:
    """Let both ends handle the bytes that are in flight on the loopback interface."""
    for _ in range(50):
        await asyncio.sleep(0)


class App:
    """Answers by path: /echo, /early (401, reads no body), /stream (without end), /large, /crash; records requests."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.requests: list[tuple[str, str, bytes]] = []
        self.fields: list[dict[bytes, bytes]] = []
        self.gone = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.fields.append(dict(scope["headers"]))
        if scope["path"] == "/stream":
            await self._stream(receive, send)
            return
        if scope["path"] == "/crash":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            raise ZeroDivisionError
        body, status = b"", 200
        if scope["path"] == "/early":
            status = 401
        else:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.gone += 1
                    return
                body += message["body"]
                more = message["more_body"]
        self.requests.append((scope["method"], scope["path"], body))
        await self.gate.wait()
        answer = LARGE if scope["path"] == "/large" else body
        length = b"%d" % len(answer)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": answer})

    async def _stream(self, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"event", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone += 1


class Lab:
    """Starts servers with one connection each, with the manual clock."""

    def __init__(self, served: Any = None) -> None:
        self.app = App()
        self.clock = Clock(asyncio.get_running_loop())
        self._config = Config(served or self.app, ws="none", log_config=None, timeout_keep_alive=KEEP_ALIVE)
        self._state = ServerState()
        self._made: asyncio.Queue[Observed] = asyncio.Queue()

    def _make(self) -> Observed:
        made = Observed(self._config, self._state, {}, self.clock)  # type: ignore[arg-type]  # a loop except for its time
        self._made.put_nowait(made)
        return made

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._make, "127.0.0.1", 0)
        try:
            connection = socket.socket()
            connection.setblocking(False)
            await loop.sock_connect(connection, server.sockets[0].getsockname())
            protocol = await self._made.get()
            await until(lambda: protocol.state is not CLOSED)
            client = Client(protocol, connection, self.clock)
            try:
                yield client
            finally:
                await client.close()
                await until(lambda: protocol.state is CLOSED)
        finally:
            server.close()


def run(scenario: Callable[[Lab], Coroutine[Any, Any, None]], served: Any = None) -> None:
    """Runs a scenario on uvloop, as production does, with `App` or another application."""

    async def main() -> None:
        await scenario(Lab(served))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
