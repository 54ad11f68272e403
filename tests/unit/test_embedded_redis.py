"""The embedded Valkey of the demo, `make dev` and the tests."""

import socket
from pathlib import Path

import pytest

from process import NotReady, free_port
from stack import Redis


def ask(port: int, command: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(100).decode()


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    redis = Redis(tmp_path, port=free_port(), appendonly=True)
    redis.start()
    redis.wait_ready()
    assert ask(redis.port, "SET colour green").startswith("+OK")
    redis.kill()
    assert not redis.ready()
    redis.start()
    redis.wait_ready()
    assert "green" in ask(redis.port, "GET colour")
    assert "noeviction" in ask(redis.port, "CONFIG GET maxmemory-policy")
    assert "\r\n1\r\n" in ask(redis.port, "CONFIG GET list-compress-depth")
    redis.stop()
    assert redis.exit_code == 0


def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        redis = Redis(tmp_path, port=server.getsockname()[1], appendonly=False)
        redis.start()
        with pytest.raises(NotReady, match=r"(?s)redis ended early.*Address already in use"):
            redis.wait_ready()
