"""The sender to hosts that speak HTTP/2, against a server that others wrote: granian, by TLS."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from handoff_worker.delivery import http
from process import Process, free_port

REPLIES = (0, 200, 30_000)  # bytes
BODIES = (0, 200, 5_000, 300_000)


class Granian(Process):
    """It, with a certificate for localhost."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        issued = authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(str(folder / "server.key"))
        issued.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
        self.port = free_port()
        script = Path(__file__).with_name("granian_echo.py")
        super().__init__("granian", [sys.executable, str(script), str(folder), str(self.port)], folder=folder, env={})

    def ready(self) -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def granian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Granian]:
    server = Granian(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    monkeypatch.setattr(http, "TIMEOUT", timedelta(seconds=120))  # for all of them side by side
    monkeypatch.setattr(http, "CONNECT_TIMEOUT", timedelta(seconds=60))
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


async def test_each_reply_is_to_its_request(granian: Granian) -> None:
    async def echoed(number: int) -> None:
        size, body = REPLIES[number % len(REPLIES)], f"{number}.".encode() * (BODIES[number % len(BODIES)] // 5)
        url, asked = f"https://localhost:{granian.port}/{size}", {"x-asked": str(number)}
        reply = await http.post(url, asked, body, http2_only=True)
        assert (reply.status, reply.headers["x-asked"]) == (200, str(number))
        assert reply.body == (b"." * size + body)[: http.REPLY_LIMIT]

    async with asyncio.TaskGroup() as group:
        for number in range(1000, 1500):
            group.create_task(echoed(number))
    await http.aclose()
