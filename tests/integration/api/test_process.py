"""The API as a process: refused settings, shutdown, log lines and body limits."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from redis import Redis as Client

from process import NotReady, free_port, wait_until
from stack import Api
from tests.integration.api.conftest import KEYS, client_of, production
from tests.integration.api.sse import events


@contextmanager
def running(folder: Path, url: str, **settings: str) -> Iterator[Api]:
    api = Api(folder, production(url, **settings), port=free_port())
    api.start()
    try:
        api.wait_ready()
        yield api
    finally:
        api.stop()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"HANDOFF_API_KEY_PEPPER": "change-me"}, "HANDOFF_API_KEY_PEPPER is empty or a placeholder: set it to"),
        ({"HANDOFF_API_KEYS": ""}, "There is no API key: put"),
        ({"HANDOFF_API_AUTH": "off"}, "HANDOFF_API_AUTH is off"),
    ],
)
def test_an_unsafe_setting_is_refused(redis_url: str, tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    api = Api(tmp_path, production(redis_url, **settings), port=free_port())
    api.start()
    assert api.wait(60)
    assert api.exit_code == 2
    assert api.log.read_text().count("\n") == 1
    assert sentence in api.log.read_text()


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [("maxmemory-policy", "allkeys-lru", "Redis evicts keys"), ("appendonly", "no", "Redis has no append-only file")],
)
def test_a_redis_that_loses_tasks_is_refused(
    redis_url: str, redis: Client, tmp_path: Path, setting: str, value: str, sentence: str
) -> None:
    redis.config_set(setting, value)
    try:
        with pytest.raises(NotReady, match=sentence), running(tmp_path, redis_url):
            pass
        with running(tmp_path, redis_url, HANDOFF_ENV="development"):
            pass
    finally:
        redis.config_set("appendonly", "yes")


def test_without_redis_the_api_starts_and_waits(tmp_path: Path) -> None:
    api = Api(tmp_path, production(f"redis://127.0.0.1:{free_port()}/0"), port=free_port())
    api.start()
    try:
        with client_of(api.url) as client:
            assert wait_until(lambda: api.running and live(client), 60)
            assert client.get("/readyz").json()["code"] == "ledger_unavailable"
    finally:
        api.stop()


def live(client: httpx2.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx2.TransportError:
        return False


def test_sigterm_ends_open_streams_and_exits_cleanly(redis_url: str, tmp_path: Path) -> None:
    with running(tmp_path, redis_url) as api, client_of(api.url) as client:
        task = client.post("/v1/tasks/system.echo", json={}).json()
        with client.stream("GET", task["links"]["events"]) as response:
            stream = events(response)
            assert next(stream).data["state"] == "queued"
            began = time.monotonic()
            api.signal(signal.SIGTERM)
            assert list(stream) == []
        assert api.wait(20)
        assert time.monotonic() - began < 15  # the grace period is not used up
        assert api.exit_code == 0
        assert "error" not in api.log.read_text()


def test_metrics_add_up_over_two_processes(redis_url: str, tmp_path: Path) -> None:
    with running(tmp_path, redis_url, WEB_CONCURRENCY="2") as api:
        for _ in range(40):
            with client_of(api.url) as client:
                assert client.post("/v1/tasks/system.echo", json={}).status_code == 202
        with client_of(api.url) as client:
            line = 'handoff_http_requests_total{method="POST",route="/v1/tasks/system.echo",status="202"} 40.0'
            assert line in client.get("/metrics").text


def test_the_log_is_json_and_contains_no_secret(redis_url: str, tmp_path: Path) -> None:
    with running(tmp_path, redis_url) as api, client_of(api.url) as client:
        client.post("/push/planted-token?title=planted-title", headers={"X-Request-ID": "mine"})
        client.post("/v1/tasks/push.send", json={"token": "planted token"})
        client.get("/v1/tasks?cursor=planted")
    lines = [json.loads(line) for line in api.log.read_text().splitlines()]
    requests = [line for line in lines if line.get("event") == "request"]
    assert [line["status"] for line in requests] == [202, 422, 422]
    assert requests[0]["request_id"] == "mine"
    assert requests[0]["client"] == "tests"
    assert "planted" not in api.log.read_text()
    assert not any(key in api.log.read_text() for key in KEYS.values())


@pytest.mark.parametrize(("path", "limit"), [("/v1/tasks/system.echo", 1 << 20), ("/v1/batches/system.echo", 32 << 20)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_before_its_end(
    client: httpx2.Client, path: str, limit: int, chunked: bool
) -> None:
    url = client.base_url
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {10 * limit}"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{size}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {KEYS['tests']}\r\n\r\n"
    with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
        connection.sendall(head.encode())
        if chunked:
            chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
            for _ in range(limit // 65_536 + 1):
                connection.sendall(chunk)
        answer = b""
        while b"body_too_large" not in answer:  # though the body has not ended
            part = connection.recv(4096)
            assert part, answer
            answer += part
    assert answer.startswith(b"HTTP/1.1 413 ")
