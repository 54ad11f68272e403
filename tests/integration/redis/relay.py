"""TLS before a Redis that has none: `python relay.py PORT TARGET_PORT CERTIFICATE_AND_KEY`.

Who does not speak TLS is let through as it is: sentinels watch over the same port.
"""

import asyncio
import socket
import ssl
import sys
from contextlib import suppress

HANDSHAKE = b"\x16"  # the first byte of every TLS connection


class Relay:
    def __init__(self, target: int, certificate: str) -> None:
        self._target = target
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate)
        self._carried: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listener)
            task = loop.create_task(self._carry(connection))
            self._carried.add(task)
            task.add_done_callback(self._carried.discard)

    async def _carry(self, connection: socket.socket) -> None:
        with suppress(OSError):  # a certificate that is refused, a target that is gone
            tls = self._tls if await first_byte(connection) == HANDSHAKE else None
            reader, writer = await streams(connection, tls)
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(copy(reader, back), copy(there, writer))
        connection.close()


async def first_byte(connection: socket.socket) -> bytes:
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)


async def streams(
    connection: socket.socket, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


def main(port: int, target: int, certificate: str) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        listener.setblocking(False)
        asyncio.run(Relay(target, certificate).serve(listener))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
