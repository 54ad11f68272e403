"""How `Http2Client` opens, replaces and closes connections, against simulated servers."""

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

from handoff_common.deadline import Deadline
from handoff_http2 import connection, frames
from handoff_http2.client import MAX_CONNECTIONS_WITHOUT_PROGRESS, Http2Client
from handoff_http2.exchange import Exchange, ExchangeResult
from handoff_http2.frames import encode_frame, encode_uint32
from handoff_http2.responses import SETTING
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
async def client() -> AsyncIterator[Http2Client]:
    """A client whose limits no test reaches."""
    client = Http2Client(Deadline(60.0), connect_timeout=30.0, max_body_bytes=1000)
    yield client
    await client.aclose()


@pytest.fixture
async def impatient_client() -> AsyncIterator[Http2Client]:
    """A client with a deadline of a few seconds."""
    client = Http2Client(Deadline(3.0), connect_timeout=2.0, max_body_bytes=1000)
    yield client
    await client.aclose()


async def burst(client: Http2Client, url: str, count: int) -> list[Exchange]:
    async with asyncio.TaskGroup() as group:
        body = b'{"message": {"token": "%d"}}'
        tasks = [group.create_task(client.post(url, HEADERS, body % number)) for number in range(count)]
    return [task.result() for task in tasks]


def results(exchanges: list[Exchange]) -> Counter[ExchangeResult | None]:
    return Counter(exchange.result for exchange in exchanges)


async def test_a_server_that_accepts_one_stream_at_first(server: FcmSimulator, client: Http2Client) -> None:
    server.takes = 1
    assert results(await burst(client, server.url, 80)) == {ExchangeResult.RESPONDED: 80}
    assert (server.connections, len(server.sends)) == (1, 80)


async def test_requests_after_a_goaway_move_to_a_new_connection(server: FcmSimulator, client: Http2Client) -> None:
    server.stays = 40
    assert results(await burst(client, server.url, 100)) == {ExchangeResult.RESPONDED: 100}
    assert Counter(send.token for send in server.sends) == {str(number): 1 for number in range(100)}
    assert server.connections == 3


async def test_a_burst_uses_as_many_connections_as_it_needs(server: FcmSimulator, client: Http2Client) -> None:
    server.stays = 10
    assert results(await burst(client, server.url, 100)) == {ExchangeResult.RESPONDED: 100}
    assert (server.connections, len(server.sends)) == (10, 100)


async def test_connections_without_any_response_are_limited(client: Http2Client) -> None:
    dialed = 0

    async def departing_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dialed
        dialed += 1
        writer.write(
            encode_frame(frames.SETTINGS, 0, 0)
            + encode_frame(frames.GOAWAY, 0, 0, encode_uint32(0) + encode_uint32(frames.NO_ERROR))
        )
        await reader.read()
        writer.close()

    async with await asyncio.start_server(departing_server, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert results(await burst(client, url, 5)) == {ExchangeResult.RETRY_ELSEWHERE: 5}
        assert dialed == 1 + MAX_CONNECTIONS_WITHOUT_PROGRESS


async def test_a_server_that_sends_goaway_after_a_few_requests(client: Http2Client) -> None:
    async def departing_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        served.initiate_connection()
        writer.write(served.data_to_send())
        accepted: list[int] = []
        while data := await reader.read(65_536):
            events = [] if len(accepted) == 5 else served.receive_data(data)
            accepted += [event.stream_id for event in events if isinstance(event, h2.events.StreamEnded)][:5]
            if events and len(accepted) == 5:
                responses = b"".join(encode_frame(frames.HEADERS, 0x5, stream, b"\x88") for stream in accepted)
                goaway = encode_frame(frames.GOAWAY, 0, 0, encode_uint32(accepted[-1]) + encode_uint32(frames.NO_ERROR))
                writer.write(served.data_to_send() + goaway)
                asyncio.get_running_loop().call_later(0.01, writer.write, responses)
        writer.close()

    async with await asyncio.start_server(departing_server, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert results(await burst(client, url, 50)) == {ExchangeResult.RESPONDED: 50}


async def test_a_server_that_neither_reads_nor_responds(client: Http2Client) -> None:
    finished = asyncio.Event()
    preface = encode_frame(frames.SETTINGS, 0, 0, SETTING.pack(frames.INITIAL_WINDOW_SIZE, frames.MAX_UINT31))
    preface += encode_frame(frames.WINDOW_UPDATE, 0, 0, encode_uint32(frames.MAX_UINT31 - 65_535))

    async def silent_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(preface)
        await asyncio.to_thread(wait_until, lambda: bool(only(client).settings_received), 10)
        writer.write_eof()
        await finished.wait()
        writer.transport.abort()

    async with await asyncio.start_server(silent_server, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert (await client.post(url, {}, b"x" * 20_000_000)).result is ExchangeResult.UNKNOWN
        await asyncio.wait_for(client.aclose(), 20)
        finished.set()


async def test_a_lost_connection_is_replaced(server: FcmSimulator, client: Http2Client) -> None:
    for times in (1, 2):
        assert results(await burst(client, server.url, 1)) == {ExchangeResult.RESPONDED: 1}
        assert server.connections == times
        server.hang_up()
        await asyncio.wait_for(only(client).closed, 10)


async def test_an_idle_connection_is_replaced(
    server: FcmSimulator, client: Http2Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await burst(client, server.url, 1)
    idle = only(client)
    monkeypatch.setattr(connection, "MAX_IDLE_SECONDS", 0.0)
    await burst(client, server.url, 1)
    assert server.connections == 2
    await asyncio.wait_for(idle.closed, 10)


async def test_a_request_ends_at_its_deadline(server: FcmSimulator, impatient_client: Http2Client) -> None:
    server.takes = 1
    server.script["0"] = [HANG]
    assert results(await burst(impatient_client, server.url, 3)) == {
        ExchangeResult.CANCELLED: 1,
        ExchangeResult.NOT_PROCESSED: 2,
    }
    assert len(server.sends) == 1
    assert results(await burst(impatient_client, server.url, 1)) == {ExchangeResult.RESPONDED: 1}


async def test_a_cancelled_request_frees_its_stream(server: FcmSimulator, client: Http2Client) -> None:
    server.takes = 1
    server.script["0"] = [HANG]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.post(server.url, HEADERS, b'{"message": {"token": "0"}}'))
        other = group.create_task(client.post(server.url, HEADERS, b'{"message": {"token": "1"}}'))
        assert await asyncio.to_thread(wait_until, lambda: bool(server.sends), 10)
        task.cancel()
    assert other.result().result is ExchangeResult.RESPONDED
    assert [send.token for send in server.sends] == ["0", "1"]


async def test_a_server_that_never_sends_settings(impatient_client: Http2Client) -> None:
    async def silent_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent_server, "127.0.0.1", 0) as silence:
        url = f"http://127.0.0.1:{silence.sockets[0].getsockname()[1]}/"
        assert results(await burst(impatient_client, url, 3)) == {ExchangeResult.NOT_PROCESSED: 3}


async def test_a_server_that_speaks_http_1(client: Http2Client) -> None:
    async def http_1_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(http_1_server, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert results(await burst(client, url, 3)) == {ExchangeResult.NOT_PROCESSED: 3}


async def test_a_missing_file_of_certificate_authorities(
    server: FcmSimulator, client: Http2Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    assert results(await burst(client, server.url, 2)) == {ExchangeResult.NOT_PROCESSED: 2}
    assert not server.connections


async def test_addresses_are_tried_until_one_accepts(server: FcmSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.url.rpartition(":")[2])
    found = [(AF_INET, SOCK_STREAM, 0, "", (address, port)) for address in ("127.0.0.3", "127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with socket.create_server(("127.0.0.2", port)):  # accepts no TLS; on 127.0.0.3 no socket listens
        half = 2.0  # seconds: each of the last two addresses gets half of the limit
        async with aclosing(Http2Client(Deadline(60.0), connect_timeout=2 * half, max_body_bytes=1000)) as client:
            assert results(await burst(client, server.url, 2)) == {ExchangeResult.RESPONDED: 2}


async def test_a_name_lookup_that_never_ends(
    server: FcmSimulator, impatient_client: Http2Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(60))
    try:
        assert results(await burst(impatient_client, server.url, 2)) == {ExchangeResult.NOT_PROCESSED: 2}
        waiting = asyncio.create_task(burst(impatient_client, server.url, 1))
        await asyncio.sleep(0)
        await impatient_client.aclose()
        assert not found.is_set()
        assert results(await waiting) == {ExchangeResult.NOT_PROCESSED: 1}
    finally:
        found.set()


async def test_headers_that_are_too_long_are_refused(server: FcmSimulator, client: Http2Client) -> None:
    with pytest.raises(ValueError, match="too long"):
        await client.post(server.url, {"x": "\\" * 16_000}, b"")


async def test_a_closed_client_can_be_used_again(server: FcmSimulator, client: Http2Client) -> None:
    for times in (1, 2):
        assert results(await burst(client, server.url, 5)) == {ExchangeResult.RESPONDED: 5}
        assert server.connections == times
        await client.aclose()


async def test_closing_the_client_ends_its_exchanges(server: FcmSimulator, client: Http2Client) -> None:
    server.takes = 1
    server.script["0"] = [HANG]
    begun = asyncio.create_task(burst(client, server.url, 3))
    assert await asyncio.to_thread(wait_until, lambda: bool(server.sends), 10)
    await client.aclose()
    assert results(await begun) == {ExchangeResult.UNKNOWN: 1, ExchangeResult.NOT_PROCESSED: 2}
    assert (server.connections, len(server.sends)) == (1, 1)


async def test_a_proxy_in_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    first_line = asyncio.get_running_loop().create_future()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first_line.set_result(await reader.readline())
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(http.RequestFailed, match="not_connected"):
            await http.post("https://push.example/v1", {}, b"", http2_only=True)
        assert await first_line == b"CONNECT push.example:443 HTTP/1.1\r\n"
        await http.aclose()


def only(client: Http2Client) -> connection.Connection:
    """Returns the client's only connection."""
    (only_connection,) = client._connections.values()
    return only_connection
