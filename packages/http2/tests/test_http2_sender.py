"""The way to a server by HTTP/2: connections that are made, found dead, and left. The servers are simulators of ours,
with the package `h2`.
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from socket import AF_INET, SOCK_STREAM

import h2.config
import h2.connection
import h2.events
import pytest

from handoff_common.deadline import TimeLimit
from handoff_http2 import connection, frames
from handoff_http2.exchange import End, Exchange
from handoff_http2.frames import frame, number
from handoff_http2.replies import SETTING
from handoff_http2.sender import FRUITLESS, Sender
from handoff_worker.delivery import http
from process import wait_until
from tests.integration.providers.fcm_simulator import HANG, FcmSimulator

HEADERS = {"authorization": "Bearer t"}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FcmSimulator]:
    with FcmSimulator(tmp_path) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", str(simulator.authority))
        yield simulator


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """Patient: what ends by itself has all the time it needs."""
    sender = Sender(TimeLimit(60.0), connect_timeout=30.0, reply_limit=1000)
    yield sender
    await sender.aclose()


@pytest.fixture
async def hasty() -> AsyncIterator[Sender]:
    """One that gives up soon."""
    sender = Sender(TimeLimit(3.0), connect_timeout=2.0, reply_limit=1000)
    yield sender
    await sender.aclose()


async def burst(sender: Sender, url: str, many: int) -> list[Exchange]:
    async with asyncio.TaskGroup() as group:
        body = b'{"message": {"token": "%d"}}'
        tasks = [group.create_task(sender.post(url, HEADERS, body % number)) for number in range(many)]
    return [task.result() for task in tasks]


def ends(exchanges: list[Exchange]) -> Counter[End | None]:
    return Counter(exchange.end for exchange in exchanges)


async def test_a_server_that_takes_one_at_first(server: FcmSimulator, sender: Sender) -> None:
    server.takes = 1
    assert ends(await burst(sender, server.url, 80)) == {End.REPLIED: 80}
    assert (server.connections, len(server.sends)) == (1, 80)


async def test_what_a_server_leaves_undone_goes_by_another_connection(server: FcmSimulator, sender: Sender) -> None:
    server.stays = 40
    assert ends(await burst(sender, server.url, 100)) == {End.REPLIED: 100}
    assert Counter(asked.token for asked in server.sends) == {str(number): 1 for number in range(100)}
    assert server.connections == 3


async def test_as_many_as_it_takes(server: FcmSimulator, sender: Sender) -> None:
    server.stays = 10
    assert ends(await burst(sender, server.url, 100)) == {End.REPLIED: 100}
    assert (server.connections, len(server.sends)) == (10, 100)


async def test_but_not_where_none_is_replied_to(sender: Sender) -> None:
    dialed = 0

    async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dialed
        dialed += 1
        writer.write(frame(frames.SETTINGS, 0, 0) + frame(frames.GOAWAY, 0, 0, number(0) + number(frames.NO_ERROR)))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(leaving, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert ends(await burst(sender, url, 5)) == {End.MOVED: 5}
        assert dialed == 1 + FRUITLESS


async def test_a_server_that_takes_some_and_leaves_at_once(sender: Sender) -> None:
    async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        served.initiate_connection()
        writer.write(served.data_to_send())
        taken: list[int] = []
        while data := await reader.read(65_536):
            heard = [] if len(taken) == 5 else served.receive_data(data)
            taken += [event.stream_id for event in heard if isinstance(event, h2.events.StreamEnded)][:5]
            if heard and len(taken) == 5:
                replies = b"".join(frame(frames.HEADERS, 0x5, stream, b"\x88") for stream in taken)
                leave = frame(frames.GOAWAY, 0, 0, number(taken[-1]) + number(frames.NO_ERROR))
                writer.write(served.data_to_send() + leave)
                asyncio.get_running_loop().call_later(0.01, writer.write, replies)
        writer.close()

    async with await asyncio.start_server(leaving, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert ends(await burst(sender, url, 50)) == {End.REPLIED: 50}


async def test_a_server_that_reads_no_more_and_says_no_more(sender: Sender) -> None:
    over = asyncio.Event()
    room = frame(frames.SETTINGS, 0, 0, SETTING.pack(frames.INITIAL_WINDOW_SIZE, frames.MOST))
    room += frame(frames.WINDOW_UPDATE, 0, 0, number(frames.MOST - 65_535))

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(room)
        await asyncio.to_thread(wait_until, lambda: bool(only(sender).settled), 10)
        writer.write_eof()
        await over.wait()
        writer.transport.abort()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert (await sender.post(url, {}, b"x" * 20_000_000)).end is End.LOST
        await asyncio.wait_for(sender.aclose(), 20)
        over.set()


async def test_a_lost_connection_is_made_again(server: FcmSimulator, sender: Sender) -> None:
    for times in (1, 2):
        assert ends(await burst(sender, server.url, 1)) == {End.REPLIED: 1}
        assert server.connections == times
        server.hang_up()
        await asyncio.wait_for(only(sender).lost, 10)


async def test_an_idle_connection_is_left(
    server: FcmSimulator, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    await burst(sender, server.url, 1)
    idle = only(sender)
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.0)
    await burst(sender, server.url, 1)
    assert server.connections == 2
    await asyncio.wait_for(idle.lost, 10)


async def test_one_that_waits_too_long_is_given_up(server: FcmSimulator, hasty: Sender) -> None:
    server.takes = 1
    server.script["0"] = [HANG]
    assert ends(await burst(hasty, server.url, 3)) == {End.LATE: 1, End.REFUSED: 2}
    assert len(server.sends) == 1
    assert ends(await burst(hasty, server.url, 1)) == {End.REPLIED: 1}


async def test_one_that_is_cancelled_leaves_its_place(server: FcmSimulator, sender: Sender) -> None:
    server.takes = 1
    server.script["0"] = [HANG]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(sender.post(server.url, HEADERS, b'{"message": {"token": "0"}}'))
        other = group.create_task(sender.post(server.url, HEADERS, b'{"message": {"token": "1"}}'))
        assert await asyncio.to_thread(wait_until, lambda: bool(server.sends), 10)
        task.cancel()
    assert other.result().end is End.REPLIED
    assert [asked.token for asked in server.sends] == ["0", "1"]


async def test_a_server_that_never_tells_its_settings(hasty: Sender) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as silence:
        url = f"http://127.0.0.1:{silence.sockets[0].getsockname()[1]}/"
        assert ends(await burst(hasty, url, 3)) == {End.REFUSED: 3}


async def test_a_server_that_speaks_something_else(sender: Sender) -> None:
    async def older(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(older, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert ends(await burst(sender, url, 3)) == {End.REFUSED: 3}


async def test_authorities_that_are_nowhere(
    server: FcmSimulator, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    assert ends(await burst(sender, server.url, 2)) == {End.REFUSED: 2}
    assert not server.connections


async def test_the_address_that_answers_is_taken(server: FcmSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.url.rpartition(":")[2])
    found = [(AF_INET, SOCK_STREAM, 0, "", (address, port)) for address in ("127.0.0.3", "127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with socket.create_server(("127.0.0.2", port)):  # and nobody answers; nor listens on the first
        half = 2.0  # seconds: each of the last two has a half of the limit
        async with aclosing(Sender(TimeLimit(60.0), connect_timeout=2 * half, reply_limit=1000)) as sender:
            assert ends(await burst(sender, server.url, 2)) == {End.REPLIED: 2}


async def test_a_name_that_is_looked_up_for_ever(
    server: FcmSimulator, hasty: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(60))
    try:
        assert ends(await burst(hasty, server.url, 2)) == {End.REFUSED: 2}
        waiting = asyncio.create_task(burst(hasty, server.url, 1))
        await asyncio.sleep(0)
        await hasty.aclose()
        assert not found.is_set()
        assert ends(await waiting) == {End.REFUSED: 1}
    finally:
        found.set()


async def test_headers_that_are_too_long(server: FcmSimulator, sender: Sender) -> None:
    with pytest.raises(ValueError, match="too long"):
        await sender.post(server.url, {"x": "\\" * 16_000}, b"")


async def test_it_may_be_used_after_its_end(server: FcmSimulator, sender: Sender) -> None:
    for times in (1, 2):
        assert ends(await burst(sender, server.url, 5)) == {End.REPLIED: 5}
        assert server.connections == times
        await sender.aclose()


async def test_its_end_is_theirs(server: FcmSimulator, sender: Sender) -> None:
    server.takes = 1
    server.script["0"] = [HANG]
    begun = asyncio.create_task(burst(sender, server.url, 3))
    assert await asyncio.to_thread(wait_until, lambda: bool(server.sends), 10)
    await sender.aclose()
    assert ends(await begun) == {End.LOST: 1, End.REFUSED: 2}
    assert (server.connections, len(server.sends)) == (1, 1)


async def test_a_proxy_is_asked_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result(await reader.readline())
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(http.RequestFailed, match="not_connected"):
            await http.post("https://push.example/v1", {}, b"", http2_only=True)
        assert await heard == b"CONNECT push.example:443 HTTP/1.1\r\n"
        await http.aclose()


def only(sender: Sender) -> connection.Connection:
    """Its one connection."""
    (known,) = sender._connections.values()
    return known
