"""A TCP proxy that holds back what it carries: `python proxy.py PORT TARGET_PORT FILE`.

FILE says how many seconds, in each direction, at any time.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

CHUNK = 1 << 16


class Proxy:
    def __init__(self, target: int, delay: Path) -> None:
        self._target = target
        self._delay = delay

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries what comes in, in its order."""
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivery = asyncio.create_task(self._deliver(held, writer))
        data = b"-"
        while data:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            held.put_nowait((asyncio.get_running_loop().time() + float(self._delay.read_text()), data))
        await delivery

    async def _deliver(self, held: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, data = await held.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if not data:
                break
            with suppress(OSError):
                writer.write(data)
                await writer.drain()
        writer.close()


async def main(port: int, target: int, delay: Path) -> None:
    server = await asyncio.start_server(Proxy(target, delay).connected, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
