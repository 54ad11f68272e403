"""HTTP to a provider: replies, and the response for each failure. The server is a simulator."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from email.utils import formatdate

import pytest

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse
from tests.integration.providers.fcm_simulator import CUT, HANG, REFUSE, RESET, FcmSimulator, Say

SECRET = "5ecret-device-token"
HEADERS = {"authorization": f"Bearer {SECRET}"}
BODY = b'{"message": {"token": "t"}}'
NOT_CONNECTED = ProviderResponse(Category.RETRY, "not_connected")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FcmSimulator]:
    with FcmSimulator(tmp_path_factory.mktemp("simulator")) as simulator:
        yield simulator


@pytest.fixture
async def simulator(server: FcmSimulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FcmSimulator]:
    """The simulator, trusted, and patience of three seconds."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    monkeypatch.setattr(http, "TIMEOUT", timedelta(seconds=3))
    monkeypatch.setattr(http, "CONNECT_TIMEOUT", timedelta(seconds=2))
    server.connections = 0
    server.sends.clear()
    yield server
    await http.aclose()


async def failure(url: str) -> ProviderResponse:
    with pytest.raises(http.RequestFailed) as unanswered:
        await http.post(f"{url}/{SECRET}", HEADERS, BODY, http2_only=True)
    seen, links = f"{unanswered.value!r} {unanswered.value.response}", unanswered.value.__cause__
    assert SECRET not in seen
    assert links is None
    assert unanswered.value.__suppress_context__ or unanswered.value.__context__ is None
    return unanswered.value.response


@pytest.mark.parametrize(
    ("say", "response"),
    [
        (HANG, ProviderResponse(Category.UNKNOWN, "timeout")),
        (RESET, ProviderResponse(Category.UNKNOWN, "connection_lost")),
        (CUT, ProviderResponse(Category.UNKNOWN, "connection_lost")),
    ],
    ids=["hang", "reset", "cut"],
)
async def test_a_sent_request_without_a_reply_is_unknown(
    simulator: FcmSimulator, say: Say, response: ProviderResponse
) -> None:
    simulator.script["t"] = [say]
    assert await failure(simulator.url) == response
    assert len(simulator.sends) == 1


async def test_a_refused_stream_may_be_retried(simulator: FcmSimulator) -> None:
    simulator.script["t"] = [REFUSE] * 10
    assert await failure(simulator.url) == NOT_CONNECTED
    simulator.script["t"].clear()


async def test_without_a_server_nothing_is_sent(simulator: FcmSimulator) -> None:
    assert await failure("https://localhost:1") == NOT_CONNECTED
    assert await failure("https://nobody.invalid") == NOT_CONNECTED


async def test_nothing_is_sent_while_a_handshake_hangs(simulator: FcmSimulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert await failure(f"https://localhost:{silent.getsockname()[1]}") == NOT_CONNECTED


async def test_nothing_is_sent_to_an_untrusted_server(simulator: FcmSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    await http.aclose()
    monkeypatch.delenv("SSL_CERT_FILE")
    assert await failure(simulator.url) == NOT_CONNECTED
    assert not simulator.sends


async def test_a_redirect_is_a_reply(simulator: FcmSimulator) -> None:
    simulator.script["t"] = [Say(307, {}, {"location": f"{simulator.url}/elsewhere"})]
    reply = await http.post(simulator.url, HEADERS, BODY)
    assert (reply.status, reply.headers["Location"]) == (307, f"{simulator.url}/elsewhere")
    assert len(simulator.sends) == 1


@pytest.mark.parametrize(("limit", "read"), [(40_000, 30_000), (10_000, 10_000)])
async def test_a_long_reply_is_cut(
    simulator: FcmSimulator, monkeypatch: pytest.MonkeyPatch, limit: int, read: int
) -> None:
    monkeypatch.setattr(http, "REPLY_LIMIT", limit)
    simulator.script["t"] = [Say(500, "x" * 30_000)]
    assert len((await http.post(simulator.url, HEADERS, BODY)).body) == read


async def test_all_requests_share_one_connection(simulator: FcmSimulator) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(80):
            group.create_task(http.post(simulator.url, HEADERS, BODY, http2_only=True))
    assert len(simulator.sends) == 80
    assert simulator.connections == 1


async def test_no_repr_shows_a_secret(simulator: FcmSimulator) -> None:
    reply = await http.post(simulator.url, HEADERS, BODY)
    request = http.client().post(simulator.url).header("authorization", SECRET, is_sensitive=True).build()
    assert SECRET not in repr(reply) + repr(request) + repr(http.client())


def test_a_reply_has_the_seconds_of_its_retry_after() -> None:
    assert http.Reply(429, {"retry-after": " 7 "}, b"").retry_after == 7
    assert http.Reply(429, {}, b"").retry_after is None
    after = http.Reply(429, {"retry-after": formatdate(time.time() + 3600, usegmt=True)}, b"").retry_after
    assert after is not None
    assert 3540 < after <= 3600
