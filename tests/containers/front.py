"""What stands before the API where no port is published: hands each connection on. Runs in a container."""

import asyncio
import contextlib


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        api_reader, api_writer = await asyncio.open_connection("api", 8000)
    except OSError:
        writer.close()
        return
    await asyncio.gather(carry(reader, api_writer), carry(api_reader, writer))


async def main() -> None:
    async with await asyncio.start_server(hand_on, None, 8000) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
