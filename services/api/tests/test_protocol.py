"""What an answer costs on the wire; the bounds of a head are in the integration tests, on real connections."""

import asyncio
from typing import Any, cast

from handoff_api.protocol import Corked


class Wire:
    def __init__(self) -> None:
        self.calls: list[bytes | str] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def close(self) -> None:
        self.calls.append("close")

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str) -> str:
        return name


def corked() -> tuple[Wire, Any]:
    wire = Wire()
    return wire, Corked(cast(asyncio.Transport, wire), asyncio.get_running_loop())


async def test_a_head_and_its_body_are_one_write_a_turn() -> None:
    wire, transport = corked()
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.calls == []
    await asyncio.sleep(0)
    transport.write(b"more")
    await asyncio.sleep(0)
    assert wire.calls == [b"head body", b"more"]


async def test_what_was_written_goes_out_before_the_end() -> None:
    wire, transport = corked()
    transport.write(b"last")
    transport.close()
    await asyncio.sleep(0)
    assert wire.calls == [b"last", "close"]


async def test_nothing_is_written_to_a_client_that_is_gone() -> None:
    wire, transport = corked()
    transport.write(b"late")
    wire.closing = True
    await asyncio.sleep(0)
    assert wire.calls == []


async def test_everything_else_is_the_transports_own() -> None:
    _, transport = corked()
    assert transport.get_extra_info("peername") == "peername"
