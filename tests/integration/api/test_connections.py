"""Connections that send slowly, too much or nothing: the API closes each, and serves the others meanwhile."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from handoff_api.parsing import HEAD_LIMIT_BYTES
from stack import Api


@pytest.fixture
def connection(api_server: Api, client: httpx2.Client) -> Iterator[socket.socket]:
    parts = urlsplit(api_server.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=30) as connection:
        yield connection


def answer(connection: socket.socket) -> bytes:
    """Return all bytes until the server closes."""
    got = b""
    while part := connection.recv(4096):
        got += part
    return got


def test_a_head_without_end_is_refused(connection: socket.socket, client: httpx2.Client) -> None:
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (HEAD_LIMIT_BYTES - 100))
    assert client.get("/livez").status_code == 200
    connection.sendall(b"a" * 200)
    assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_many_headers_are_refused(connection: socket.socket, client: httpx2.Client) -> None:
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X-A: a\r\n" * (HEAD_LIMIT_BYTES // 8 - 10))
    assert client.get("/livez").status_code == 200
    connection.sendall(b"X-A: a\r\n" * 10)
    assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_a_head_that_does_not_arrive_in_time_is_refused(connection: socket.socket, api_server: Api) -> None:
    began = time.monotonic()
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost:")
    parts = urlsplit(api_server.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=30) as silent:
        for each in (connection, silent):
            assert answer(each).startswith(b"HTTP/1.1 408 ")
    assert 8 < time.monotonic() - began < 20


def test_a_keep_alive_connection_serves_the_next_request(connection: socket.socket) -> None:
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    for parts in ((request,), (request[:10], request[10:]), (request + request[:5], request[5:])):
        for part in parts:
            connection.sendall(part)
    got = b""
    while got.count(b"HTTP/1.1 200 OK") < 4:
        got += connection.recv(4096)


def test_a_compressed_transfer_is_refused(connection: socket.socket) -> None:
    head = b"POST /v1/tasks/system.echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    connection.sendall(head + b"Connection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    assert answer(connection).split()[1] in (b"400", b"401", b"415")
