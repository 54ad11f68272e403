"""Parsing of requests: an Upgrade field changes nothing, and no byte of a body becomes a request."""

import pytest

from handoff_api.connection import CLOSED
from handoff_api.parsing import HEAD_LIMIT_BYTES, MAX_PIPELINED
from services.api.tests.wire import Lab, run, until

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
NEXT = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADES = [
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    b"connection: upgrade\r\nupgrade: h2c\r\n",
    b"Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n",
    b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    b"Upgrade: h2c\r\n",
    b"Connection: Upgrade\r\n",
    b"",
]
LENGTH = b"Content-Length: %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("framed", [LENGTH, CHUNKED])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("segments", ["one", "head and body", "single bytes"])
def test_an_upgrade_is_ignored_and_the_body_is_read(upgrade: bytes, framed: bytes, method: str, segments: str) -> None:
    async def scenario(lab: Lab) -> None:
        request = b"%s /echo HTTP/1.1\r\nHost: x\r\n%s%s" % (method.encode(), upgrade, framed)
        head = request.index(b"\r\n\r\n") + 4
        cuts = {"one": [], "head and body": [head], "single bytes": list(range(1, len(request)))}[segments]
        async with lab.client() as client:
            client.read()
            for start, stop in zip([0, *cuts], [*cuts, len(request)], strict=True):
                await client.send(request[start:stop])
            await client.send(request + NEXT)
            await client.end()
        assert lab.app.requests == [(method, "/echo", HIDDEN), (method, "/echo", HIDDEN), ("GET", "/echo", b"")]
        assert client.answers.bodies == [HIDDEN, HIDDEN, b""]
        assert not any(b"upgrade" in fields for fields in lab.app.fields) or b"Connection: Upgrade" not in upgrade

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 501, b"connect_not_offered"),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\nContent-Length: 3\r\n\r\nabc", 501, b"connect_not_offered"),
        (b"CONNECT x:80 HTTP/1.1\r\n%s\r\n" % UPGRADES[0], 501, b"connect_not_offered"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, b"malformed_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, b"malformed_request"),
        (b"GET /echo HTTP/1.1\r\nHost : x\r\n\r\n", 400, b"malformed_request"),
        (b"GET /echo HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400, b"malformed_request"),
        (b"GET /echo HTTP/1.1\r\nA: b\0c\r\n\r\n", 400, b"malformed_request"),
        (b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", 400, b"malformed_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, b"malformed_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, b"malformed_request"),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, b"malformed_request"),
        (b"GET /echo HTTP/1.1\r\nA: " + b"a" * HEAD_LIMIT_BYTES, 431, b"head_too_large"),
        (b"GET /echo HTTP/1.1\r\nA: " + b"a" * HEAD_LIMIT_BYTES + b"\r\n\r\n", 431, b"head_too_large"),
        (b"GET /echo HTTP/1.1\r\n" + b"A: a\r\n" * (HEAD_LIMIT_BYTES // 6 + 1) + b"\r\n", 431, b"head_too_large"),
        (b"GET /" + b"a" * HEAD_LIMIT_BYTES + b" HTTP/1.1\r\n\r\n", 431, b"head_too_large"),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 3])
@pytest.mark.parametrize("size", [1 << 20, 1000])
def test_a_refusal_is_the_last_answer_of_its_connection(
    request_: bytes, status: int, code: bytes, before: int, size: int
) -> None:
    async def scenario(lab: Lab) -> None:
        lab.app.gate.clear()
        sent = NEXT * before + request_ + HIDDEN
        async with lab.client() as client:
            client.read()
            for start in range(0, len(sent), size):
                if size < len(sent):
                    lab.app.gate.set()  # segments behind a waiting request are not read before its answer
                await client.send(sent[start : start + size])
            lab.app.gate.set()
            await until(lambda: client.protocol.state is CLOSED or len(client.answers.statuses) > before)
            await client.end()
        assert client.answers.statuses == [200] * before + [status]
        assert code in client.answers.bodies[-1]
        assert [path for _, path, _ in lab.app.requests] == ["/echo"] * before

    run(scenario)


def test_a_malformed_body_after_the_answer_only_closes() -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            client.read()
            await client.send(b"POST /early HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            await until(lambda: client.answers.statuses == [401])
            await client.send(b"no chunk\r\n" + HIDDEN)
            assert await client.end() == []
        assert client.answers.statuses == [401]

    run(scenario)


@pytest.mark.parametrize("trailer", [b"Authorization: Bearer x\r\n", b"X-Request-ID: 1\r\nX-Request-ID: 2\r\n"])
def test_a_trailer_field_is_not_a_header_field(trailer: bytes) -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            await client.send(
                b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + trailer + b"\r\n" + NEXT
            )
            await client.end()
        assert lab.app.requests == [("POST", "/echo", b"a"), ("GET", "/echo", b"")]
        assert lab.app.fields[0].keys() == {b"transfer-encoding"}

    run(scenario)


def test_trailers_without_end_are_refused() -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            client.read()
            await client.send(b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: ")
            for _ in range(HEAD_LIMIT_BYTES // 1000 + 1):
                await client.send(b"a" * 1000)
            await client.end()
        assert client.answers.statuses == [431]

    run(scenario)


def test_a_large_body_before_a_head_does_not_count_as_head() -> None:
    async def scenario(lab: Lab) -> None:
        body = b"b" * (3 * HEAD_LIMIT_BYTES)
        request = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        async with lab.client() as client:
            client.read()
            client.protocol.data_received(request + NEXT[:5])  # in one segment, which a socket may cut
            client.sent += len(request) + 5
            await client.send(NEXT[5:])
            await until(lambda: len(client.answers.statuses) == 2)
            await client.end()
        assert client.answers.statuses == [200, 200]

    run(scenario)


def test_a_long_pipeline_is_answered_up_to_its_limit() -> None:
    async def scenario(lab: Lab) -> None:
        lab.app.gate.clear()
        async with lab.client() as client:
            client.read()
            await client.send(NEXT * 1000)
            lab.app.gate.set()
            await until(lambda: client.protocol.state is CLOSED)
            await client.end()
        assert client.answers.statuses == [200] * (MAX_PIPELINED + 1) + [429]

    run(scenario)
