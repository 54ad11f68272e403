"""A simulator of the servers that `http.request` meets: ours, in a thread of its own, on loopback.

It says what a test scripted for a path, or echoes; also what no well-behaved server says: it hangs, resets, drips,
never ends.
"""

import asyncio
import json
import os
import socket
import ssl
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Self

Misdeed = Callable[[asyncio.StreamReader, asyncio.StreamWriter], AsyncIterator[bytes]]


@dataclass(frozen=True)
class Say:
    """An answer; `misdeed` makes its bytes in its place."""

    status: int = 200
    body: bytes = b"fine"
    headers: Mapping[str, str] = field(default_factory=dict)
    misdeed: Misdeed | None = None


@dataclass(frozen=True)
class Asked:
    """A request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: tuple[str, int]


class HttpSimulator:
    """As a context manager: answers inside. `script` says by path what is answered next; each other path says fine."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.script: dict[str, list[Say]] = defaultdict(list)
        self.asked: list[Asked] = []
        self.connections = 0
        self._host = host
        self._tls = tls
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        starting = asyncio.start_server(self._serve, self._host, 0, ssl=self._tls)
        self._server = self._loop.run_until_complete(starting)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)  # what was closed is told so in a later turn of the loop

    def url(self, path: str = "/", host: str = "") -> str:
        return f"{'https' if self._tls else 'http'}://{host or self._host}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            while asked := await self._request(reader, writer):
                self.asked.append(asked)
                say = self.script[asked.path].pop(0) if self.script[asked.path] else Say()
                if say.misdeed:
                    async for chunk in say.misdeed(reader, writer):
                        writer.write(chunk)
                        await writer.drain()
                    break
                body = b"" if asked.method == "HEAD" else say.body
                head = {"Content-Length": str(len(say.body)), "Content-Type": "text/plain", **say.headers}
                lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
                writer.write(f"HTTP/1.1 {say.status} It\r\n{lines}\r\n".encode() + body)
                await writer.drain()
        if self._server.is_serving():
            writer.close()
        else:
            writer.transport.abort()  # nobody is waited for in the end

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked | None:
        line = await reader.readline()
        if not line:
            return None
        method, path, _ = line.decode().split()
        headers: dict[str, str] = {}
        while (line := await reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            assert name.lower() not in headers
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Asked(method, path, headers, body, writer.get_extra_info("peername")[:2])


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """Says nothing until the client goes."""
    await reader.read()
    yield b""


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """Resets the connection instead of an answer."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    yield b""


async def cut(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """Closes the connection amid the body."""
    yield HEAD + b"Content-Length: 1000\r\n\r\nbegun"


async def drip(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """A byte now and then, so that no single read ever times out."""
    yield HEAD + b"Content-Length: 1000\r\n\r\n"
    while True:
        yield b"."
        await asyncio.sleep(0.05)


async def drip_head(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """Informational answers without an end."""
    while True:
        yield b"HTTP/1.1 103 Early Hints\r\n\r\n"
        await asyncio.sleep(0.05)


async def endless(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """A body without an end, as fast as it is taken."""
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"4000\r\n" + b"x" * 0x4000 + b"\r\n"


async def endless_head(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """Headers without an end."""
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: " + b"x" * 1000 + b"\r\n"


async def garbage(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """What is no HTTP."""
    yield b"220 mail.example ESMTP\r\n"


async def break_tls(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """What is no TLS, amid a body."""
    yield HEAD + b"Content-Length: 1000\r\n\r\nbegun"
    os.write(writer.get_extra_info("socket").fileno(), b"no TLS" * 10)
    await asyncio.Event().wait()


def redirect(location: str, status: int = 302) -> Say:
    return Say(status, b"", {"Location": location})


def problem(status: int, **headers: str) -> Say:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Say(status, json.dumps({"error": status}).encode(), named)
