"""Redis is away, silent, full or unsafe: the API answers 503 within its bound, and recovers by itself."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from redis import Redis as Client

from process import free_port, wait_until
from stack import Api, Redis
from tests.integration.api.conftest import client_of, production

ID = "01m81kyxp83h24cxpb262dbs7x"
CALLS: list[tuple[str, str, object]] = [
    ("POST", "/v1/tasks/system.echo", {}),
    ("POST", "/v1/batches/system.echo", {"items": [{}]}),
    ("POST", "/push/token", None),
    ("GET", f"/v1/tasks/{ID}", None),
    ("GET", "/v1/tasks", None),
    ("GET", f"/v1/batches/{ID}/events", None),
    ("DELETE", f"/v1/tasks/{ID}", None),
]


def assert_refused(client: httpx2.Client) -> None:
    """Assert that each call is refused within the bound in one of five tries, because the machine can be slow."""
    for method, path, body in CALLS:
        assert any(refusal_seconds(client, method, path, body) < 2 for _ in range(5)), path


def refusal_seconds(client: httpx2.Client, method: str, path: str, body: object) -> float:
    """Return the seconds until the call was refused."""
    answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "ledger_unavailable"), path
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.elapsed.total_seconds() < 10, path
    return answer.elapsed.total_seconds()


def accepted(client: httpx2.Client) -> bool:
    return client.post("/v1/tasks/system.echo", json={}).status_code == 202


def full(client: httpx2.Client) -> bool:
    """Return whether the API refuses because of Redis's memory, before Redis itself refuses."""
    answer = client.post("/v1/tasks/system.echo", json={})
    return answer.status_code == 503 and answer.json()["code"] == "redis_memory"


def test_redis_killed_and_back(client: httpx2.Client, api_server: Api, redis_server: Redis) -> None:
    assert accepted(client)
    redis_server.kill()
    assert_refused(client)
    assert wait_until(lambda: not api_server.ready(), 20)
    assert "handoff_ledger_up 0.0" in client.get("/metrics").text
    assert client.get("/livez").status_code == 200
    redis_server.start()
    redis_server.wait_ready()
    assert wait_until(lambda: accepted(client), 20)
    assert wait_until(api_server.ready, 20)


@pytest.fixture
def silent(redis_server: Redis, redis_url: str) -> Iterator[None]:
    """Redis accepts connections and answers nothing, like a port that drops packets."""
    assert redis_url
    redis_server.signal(signal.SIGSTOP)
    yield
    redis_server.signal(signal.SIGCONT)


def test_a_silent_redis(client: httpx2.Client, api_server: Api, redis_server: Redis, silent: None) -> None:
    assert_refused(client)
    assert wait_until(lambda: not api_server.ready(), 20)
    redis_server.signal(signal.SIGCONT)
    assert wait_until(lambda: accepted(client), 20)


def test_near_its_memory_limit_nothing_is_accepted(client: httpx2.Client, redis: Client) -> None:
    at = client.post("/v1/tasks/system.echo", json={}).headers["Location"]
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] / 0.9))
    assert wait_until(lambda: full(client), 20)
    for path, body in (("/v1/tasks/system.echo", {}), ("/v1/batches/system.echo", {"items": [{}]}), ("/push/t", None)):
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (503, "redis_memory")
        assert int(answer.headers["Retry-After"]) > 0
    assert client.get(at).status_code == 200
    assert client.delete(at).json()["state"] == "cancelled"
    redis.config_set("maxmemory", "0")
    assert wait_until(lambda: accepted(client), 20)


def test_the_api_waits_for_a_redis_that_loads_its_data(tmp_path: Path) -> None:
    slowly = ["--key-load-delay", "200"]  # µs per command; Redis serves clients after every 1,024 commands
    at_once = "0"
    redis = Redis(tmp_path, port=free_port(), appendonly=True)
    api = Api(tmp_path, production(f"redis://127.0.0.1:{redis.port}/0"), port=free_port())
    try:
        redis.start()
        redis.wait_ready()
        with Client(port=redis.port) as data:
            for start in range(0, 40_000, 1_000):
                with data.pipeline(transaction=False) as pipeline:
                    for number in range(start, start + 1_000):
                        pipeline.set(f"key{number}", "x")
                    pipeline.execute()
        redis.kill()
        redis.command += slowly
        api.start()
        with client_of(api.url) as client, Client(port=redis.port) as data:
            assert wait_until(lambda: bool(ready_detail(client)), 30)
            redis.start()
            assert wait_until(lambda: "loading" in ready_detail(client), 30)
            answer = client.post("/v1/tasks/system.echo", json={})
            assert (answer.status_code, answer.json()["code"]) == (503, "ledger_unavailable")
            data.config_set("key-load-delay", at_once)
            assert wait_until(lambda: accepted(client), 30)
            assert wait_until(api.ready, 20)
    finally:
        api.stop()
        redis.stop()


def ready_detail(client: httpx2.Client) -> str:
    """Return the detail of /readyz, '' while the API does not answer."""
    try:
        return str(client.get("/readyz").json().get("detail"))
    except httpx2.TransportError:
        return ""
