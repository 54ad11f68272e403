"""A TCP proxy that holds back what it carries: `python proxy.py PORT TARGET_PORT SECONDS`, in each direction."""

import asyncio
import sys
from contextlib import suppress

CHUNK = 1 << 16


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Carries what comes in, in order, each piece `delay` seconds later."""
    loop = asyncio.get_running_loop()
    held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await held.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                return
            writer.write(data)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            held.put_nowait((loop.time() + delay, data))
    held.put_nowait((loop.time() + delay, b""))
    with suppress(OSError):
        await delivery
    writer.close()


async def main(port: int, target: int, delay: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(carry(reader, back, delay), carry(there, writer, delay))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
