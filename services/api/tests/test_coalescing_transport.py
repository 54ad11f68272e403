"""What a connection writes: one system call for each turn of the event loop, and nothing after the close."""

import asyncio
from typing import Any, cast

import pytest

from handoff_api.coalescing_transport import CoalescingTransport


class Wire:
    def __init__(self) -> None:
        self.calls: list[bytes | str] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")

    def close(self) -> None:
        self.calls.append("close")

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str) -> str:
        return name


def corked() -> tuple[Wire, Any]:
    wire = Wire()
    return wire, CoalescingTransport(cast(asyncio.Transport, wire), asyncio.get_running_loop())


async def test_a_head_and_its_body_are_one_write() -> None:
    wire, transport = corked()
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.calls == []
    await asyncio.sleep(0)
    transport.write(b"more")
    await asyncio.sleep(0)
    assert wire.calls == [b"head body", b"more"]


@pytest.mark.parametrize(("receiving", "end"), [(False, ["close"]), (True, ["write_eof", "resume_reading"])])
async def test_a_close_first_sends_what_was_written(receiving: bool, end: list[str]) -> None:
    wire, transport = corked()
    transport.receiving = receiving
    transport.write(b"last")
    transport.close()
    assert transport.is_closing()
    transport.write(b"late")
    await asyncio.sleep(0)
    assert wire.calls == [b"last", *end]


async def test_a_close_is_reported() -> None:
    _, transport = corked()
    closed: list[bool] = []
    transport.on_close = lambda: closed.append(transport.is_closing())
    transport.close()
    assert closed == [True]


async def test_nothing_is_written_to_a_lost_connection() -> None:
    wire, transport = corked()
    transport.write(b"late")
    wire.closing = True
    await asyncio.sleep(0)
    assert wire.calls == []


async def test_every_other_attribute_is_that_of_the_transport() -> None:
    _, transport = corked()
    assert transport.get_extra_info("peername") == "peername"
