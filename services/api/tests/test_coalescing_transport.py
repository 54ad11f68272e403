"""A connection writes with one system call per turn of the event loop, and nothing after the close."""

import asyncio
from typing import Any, cast

import pytest

from handoff_api.coalescing_transport import CoalescingTransport


class FakeTransport:
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


def coalescing() -> tuple[FakeTransport, Any]:
    fake = FakeTransport()
    return fake, CoalescingTransport(cast(asyncio.Transport, fake), asyncio.get_running_loop())


async def test_a_head_and_its_body_are_one_write() -> None:
    fake, transport = coalescing()
    transport.write(b"head ")
    transport.write(b"body")
    assert fake.calls == []
    await asyncio.sleep(0)
    transport.write(b"more")
    await asyncio.sleep(0)
    assert fake.calls == [b"head body", b"more"]


@pytest.mark.parametrize(("receiving", "end"), [(False, ["close"]), (True, ["write_eof", "resume_reading"])])
async def test_a_close_first_sends_what_was_written(receiving: bool, end: list[str]) -> None:
    fake, transport = coalescing()
    transport.receiving = receiving
    transport.write(b"last")
    transport.close()
    assert transport.is_closing()
    transport.write(b"late")
    await asyncio.sleep(0)
    assert fake.calls == [b"last", *end]


async def test_on_close_is_called_after_a_close() -> None:
    _, transport = coalescing()
    closed: list[bool] = []
    transport.on_close = lambda: closed.append(transport.is_closing())
    transport.close()
    assert closed == [True]


async def test_nothing_is_written_to_a_lost_connection() -> None:
    fake, transport = coalescing()
    transport.write(b"late")
    fake.closing = True
    await asyncio.sleep(0)
    assert fake.calls == []


async def test_other_attributes_come_from_the_transport() -> None:
    _, transport = coalescing()
    assert transport.get_extra_info("peername") == "peername"
