"""HTTP on real sockets, with production settings."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from stack import Api
from tests.integration.api.conftest import KEYS, client_of
from tests.integration.api.test_process import running

HIDDEN = b"GET /v1/none HTTP/1.1\r\nHost: x\r\nX-Request-ID: hidden\r\n\r\n"
BODY = b'{"message": "' + HIDDEN.replace(b"\r\n", b" ") + b'"}'
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def connection(api_server: Api, client: httpx2.Client) -> Iterator[socket.socket]:
    parts = urlsplit(api_server.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=30) as connection:
        yield connection


def head(method: str, path: str, *lines: str) -> bytes:
    given = [f"{method} {path} HTTP/1.1", "Host: x", *lines]
    return "".join(f"{line}\r\n" for line in given).encode()


def post(*lines: str) -> bytes:
    key = f"Authorization: Bearer {KEYS['tests']}"
    return head("POST", "/v1/tasks/system.echo", key, "Content-Type: application/json", *lines)


def statuses(connection: socket.socket, count: int) -> list[int]:
    """Return the statuses of `count` answers, or of all answers until the server closes."""
    got = b""
    while got.count(b"HTTP/1.1 ") < count and (part := connection.recv(65_536)):
        got += part
    return [int(rest[:3]) for rest in got.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("upgrade", [H2C, b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b""])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("split", [False, True])
def test_upgrade_is_ignored_and_the_body_is_read(
    connection: socket.socket, upgrade: bytes, framing: str, split: bool
) -> None:
    first = post() + upgrade + (LENGTH % len(BODY) if framing == "length" else CHUNKED)
    rest = BODY if framing == "length" else b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    following = head("GET", "/livez") + b"\r\n"
    if split:
        connection.sendall(first)
        connection.sendall(rest[:20])
        connection.sendall(rest[20:] + following)
    else:
        connection.sendall(first + rest + following)
    assert statuses(connection, 2) == [202, 200]


def test_a_body_is_never_a_request(connection: socket.socket) -> None:
    connection.sendall(post() + H2C + LENGTH % len(HIDDEN))
    connection.sendall(HIDDEN + head("GET", "/livez") + b"\r\n")
    assert statuses(connection, 2) == [
        400,
        200,
    ]  # the body is not JSON; a 401 would answer the request that the body contains


def test_connect_is_refused(connection: socket.socket) -> None:
    connection.sendall(b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n" + HIDDEN)
    assert statuses(connection, 9) == [501]


@pytest.mark.parametrize(
    ("first", "second"),
    [("abc", "abc "), ("abc", "\tabc"), (" abc \t", "abc"), ("a b", "  a b  ")],
)
def test_whitespace_around_a_key_has_no_meaning(connection: socket.socket, first: str, second: str) -> None:
    tasks = set()
    for key in (first, second):
        connection.sendall(post(f"Idempotency-Key:{key}") + LENGTH % 2 + b"{}")
        got = b""
        while b'"id":"' not in got:
            got += connection.recv(65_536)
        tasks.add(got.partition(b'"id":"')[2][:26])
    assert len(tasks) == 1


@pytest.mark.parametrize(
    "repeated",
    [
        ["Idempotency-Key: a", "Idempotency-Key: b"],
        ["Idempotency-Key: a", "idempotency-key: a"],
        ["Authorization: Bearer x"],
        ["Content-Type: application/json"],
        ["X-Request-ID: a", "X-Request-ID: b"],
        ["Host: y"],
        ["Content-Length: 2"],
    ],
)
def test_a_repeated_singleton_is_a_problem(connection: socket.socket, repeated: list[str]) -> None:
    connection.sendall(post(*repeated) + LENGTH % 2 + b"{}")
    got = b""
    while b'"errors"' not in got:
        got += connection.recv(65_536)
    assert got.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in got


def test_two_prefer_lines_are_one_list(connection: socket.socket) -> None:
    connection.sendall(post("Prefer: respond-async", "Prefer: wait=0, wait=30") + LENGTH % 2 + b"{}")
    assert statuses(connection, 1) == [202]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/v1/tasks", "/v1/queues", "/v1/contracts"])
def test_head_has_the_head_of_get(client: httpx2.Client, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    if path != "/metrics":
        assert answer.headers["Content-Length"] == client.get(path).headers["Content-Length"]


def test_head_of_an_event_stream_ends(client: httpx2.Client) -> None:
    task = client.post("/v1/tasks/system.echo", json={}).json()
    batch = client.post("/v1/batches/system.echo", json={"items": [{}]}).json()
    for made in (task, batch):
        answer = client.head(made["links"]["events"])
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert client.get("/livez").status_code == 200  # on the same connection
    assert client.head("/v1/tasks/01m81kyxp83h24cxpb262dbs7x/events").status_code == 404


def test_a_half_closed_client_gets_its_answer(connection: socket.socket) -> None:
    connection.sendall(post() + LENGTH % 2 + b"{}")
    connection.shutdown(socket.SHUT_WR)
    assert statuses(connection, 9) == [202]


def test_the_keep_alive_time_is_a_setting(redis_url: str, tmp_path: Path) -> None:
    with running(tmp_path, redis_url, HANDOFF_API_KEEP_ALIVE="1") as api, client_of(api.url) as client:
        parts = urlsplit(api.url)
        with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=30) as connection:
            connection.sendall(head("GET", "/livez") + b"\r\n")
            assert statuses(connection, 9) == [200]
        assert client.get("/livez").status_code == 200
