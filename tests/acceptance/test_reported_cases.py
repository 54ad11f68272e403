"""Replays reported faults over a running stack. A row holds the case, the request and the expected answer."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest
from celery import Celery
from redis import Redis

from handoff_ledger import LedgerUnavailable
from handoff_ledger.redis_requirements import RedisRequirements
from process import free_port, wait_until
from stack import Api, Stack, clean_environment
from tests.integration.redis.places import Place, full, nowhere, plain_before, server, user

JSON = {"Content-Type": "application/json"}
ECHO, ECHOES = "/v1/tasks/system.echo", "/v1/batches/system.echo"
PUSH, PUSHES = "/v1/tasks/push.send", "/v1/batches/push.send"
CALL, CALLS = "/v1/tasks/http.request", "/v1/batches/http.request"


class Request(NamedTuple):
    """One request. The client sends `body` unchanged."""

    method: str
    path: str
    body: str | None = None
    headers: Mapping[str, str] = {}

    def send(self, client: httpx2.Client) -> httpx2.Response:
        headers = {**JSON, **self.headers} if self.body is not None else dict(self.headers)
        return client.request(self.method, self.path, content=self.body, headers=headers)


def post(path: str, body: str, **headers: str) -> Request:
    return Request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})


def get(path: str) -> Request:
    return Request("GET", path)


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=stack.api.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def redis(stack: Stack) -> Iterator[Redis]:
    with Redis(port=stack.redis.port, decode_responses=True) as redis:
        yield redis


INFINITE = '{"url":"https://example.com","body_json":{"a":[1e400]}}'
REFUSED: list[tuple[str, Request, int, str]] = [
    # case, request, status, path of the fault
    ("1a: 1e400 in a task", post(CALL, INFINITE), 422, "body_json"),
    ("1a: 1e400 in an item", post(CALLS, f'{{"items":[{INFINITE}]}}'), 422, "items[0].body_json"),
    (
        "1a: 1e400 in the common fields",
        post(CALLS, f'{{"common":{INFINITE},"items":[{{}}]}}'),
        422,
        "items[0].body_json",
    ),
    ("1a: -1e999 for an integer", post(PUSHES, '{"items":[{"token":"a","ttl":-1e999}]}'), 422, "items[0].ttl"),
]


@pytest.mark.parametrize(("request_", "status", "path"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_wrong_request_is_refused(
    client: httpx2.Client, redis: Redis, request_: Request, status: int, path: str
) -> None:
    before = redis.hgetall("handoff:stats")
    answer = request_.send(client)
    assert answer.status_code == status, answer.text
    assert [fault["path"][: len(path)] for fault in answer.json()["errors"]] == [path]
    assert redis.hgetall("handoff:stats") == before, "something was accepted"


SAME: list[tuple[str, str, str, str]] = [
    # case, path, first body, another body that means the same
    ("1b: fields in another order", PUSH, '{"token":"a","title":"b"}', '{"title":"b","token":"a"}'),
    (
        "1b: fields of an item in another order",
        PUSHES,
        '{"items":[{"token":"a","title":"b"}]}',
        '{"items":[{"title":"b","token":"a"}]}',
    ),
    ("1b: 5.0 for 5", PUSH, '{"token":"a","ttl":5}', '{"token":"a","ttl":5.0}'),
    ("1b: 5.0 for 5 in an item", PUSHES, '{"items":[{"token":"a","ttl":5}]}', '{"items":[{"token":"a","ttl":5.0}]}'),
    (
        "1b: keys of data in another order",
        PUSH,
        '{"token":"a","data":{"x":"1","y":"2"}}',
        '{"token":"a","data":{"y":"2","x":"1"}}',
    ),
    (
        "1b: keys of common data in another order",
        PUSHES,
        '{"common":{"data":{"x":"1","y":"2"}},"items":[{"token":"a"}]}',
        '{"common":{"data":{"y":"2","x":"1"}},"items":[{"token":"a"}]}',
    ),
    ("1b: null for an absent field", PUSH, '{"token":"a","title":null}', '{"token":"a"}'),
    (
        "1b: null for an absent field of an item",
        PUSHES,
        '{"items":[{"token":"a","title":null}]}',
        '{"items":[{"token":"a"}]}',
    ),
]


@pytest.mark.parametrize(("path", "first", "same"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_a_request_that_means_the_same_is_a_replay(
    client: httpx2.Client, request: pytest.FixtureRequest, path: str, first: str, same: str
) -> None:
    answers = [post(path, body, Idempotency_Key=request.node.name).send(client) for body in (first, same, first)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1


def ended(client: httpx2.Client, path: str) -> bool:
    return client.get(path).json()["state"] in ("succeeded", "ended")


def expire_records(redis: Redis, id: str) -> None:
    """Does what the end of the retention does, before an idempotency key's day is over."""
    for key in redis.scan_iter(f"handoff:*:{id}*"):
        redis.pexpire(key, 1)
    assert wait_until(lambda: not list(redis.scan_iter(f"handoff:*:{id}*")), 10)


EXPIRED: list[tuple[str, Request]] = [
    ("3a: a task", post(ECHO, '{"message":"hi"}', Idempotency_Key="3a-task")),
    ("3a: a task that is waited for", post(ECHO, '{"message":"hi"}', Idempotency_Key="3a-wait", Prefer="wait=20")),
    ("3a: a batch", post(ECHOES, '{"items":[{"message":"hi"}]}', Idempotency_Key="3a-batch")),
    ("3a: the tutorial's call", Request("POST", "/push/device-3a", None, {"Idempotency-Key": "3a-push"})),
]


@pytest.mark.parametrize("request_", [row[1] for row in EXPIRED], ids=[row[0] for row in EXPIRED])
def test_a_key_whose_record_is_gone_is_a_new_key(client: httpx2.Client, redis: Redis, request_: Request) -> None:
    kind = "batches" if "batches" in request_.path else "tasks"
    first = request_.send(client).json()["id"]
    assert wait_until(lambda: ended(client, f"/v1/{kind}/{first}"), 30)
    expire_records(redis, first)
    answer = request_.send(client)
    assert answer.status_code in (200, 202)
    second = answer.json()["id"]
    assert second != first
    assert wait_until(lambda: ended(client, f"/v1/{kind}/{second}"), 30)


def test_3a_a_key_that_is_used_daily_ends_with_its_day(client: httpx2.Client, redis: Redis) -> None:
    request = post(ECHO, '{"message":"hi"}', Idempotency_Key="3a-daily")
    before = set(redis.scan_iter("handoff:key:*"))
    request.send(client)
    (name,) = set(redis.scan_iter("handoff:key:*")) - before
    redis.pexpire(name, 60_000)
    assert request.send(client).status_code == 202
    assert redis.pttl(name) <= 60_000


def test_8a_a_batch_of_10000_packs_is_cancelled_in_steps(client: httpx2.Client) -> None:
    items = [{"file": {"path": f"{number}.pdf"}} for number in range(10_000)]
    accepted = post("/v1/batches/document.extract", json.dumps({"items": items})).send(client)
    assert accepted.status_code == 202, accepted.text
    batch = accepted.json()["links"]["self"]
    assert client.delete(batch).status_code == 202
    assert wait_until(lambda: client.get(batch).json()["state"] == "ended", 60)
    counts = client.get(batch).json()["counts"]
    assert counts["queued"] == counts["running"] == 0
    assert sum(counts.values()) == 10_000


def http(head: str, body: str = "", *fields: str) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{head} HTTP/1.1", "Host: handoff", *fields]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return ("\r\n".join([*lines, "", ""]) + body).encode()


def keyed(key: str) -> bytes:
    return http(f"POST {ECHO}", "{}", f"Idempotency-Key: {key}")


H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
ALIVE = http("GET /livez")
HIDDEN = "GET /v1/tasks/none HTTP/1.1\r\nHost: handoff\r\n\r\n"
ECHO_H2C = http(f"POST {ECHO}", '{"message":"hi"}', *H2C)
TWICE = ("Idempotency-Key: a", "Idempotency-Key: b")
SOCKETS: list[tuple[str, list[bytes], list[int]]] = [
    # case, segments that are sent, statuses of the answers
    ("5a: Upgrade with a body", [ECHO_H2C, ALIVE], [202, 200]),
    ("5a: Upgrade, the body in a second segment", [ECHO_H2C[:-16], ECHO_H2C[-16:], ALIVE], [202, 200]),
    ("5a: Upgrade, and a body that is a request", [http(f"POST {ECHO}", HIDDEN, *H2C), ALIVE], [400, 200]),
    ("5a: Upgrade without a body", [http("GET /livez", "", *H2C), ALIVE], [200, 200]),
    ("5b: a finished GET, then an empty line", [ALIVE, b"\r\n"], [200]),
    ("5b: an early answer, then a byte of the body", [http("POST /v1/none", "{ }")[:-2], b" ", b"}"], [404]),
    ("5c: a key twice", [http(f"POST {ECHO}", "{}", *TWICE)], [400]),
    ("5c: spaces around a key", [keyed("5c"), keyed(" 5c \t")], [202, 202]),
    ("5c: Prefer in two lines", [http(f"POST {ECHO}", "{}", "Prefer: respond-async", "Prefer: wait=20")], [200]),
    ("5d: HEAD", [http("HEAD /v1/queues"), ALIVE], [200, 200]),
]  # fmt: skip


@pytest.fixture(scope="module")
def hasty(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Another API of the stack, which closes idle connections after a second."""
    settings = {"CELERY_BROKER_URL": stack.redis_url, "HANDOFF_ENV": "development", "HANDOFF_API_AUTH": "off"}
    settings |= {"HANDOFF_API_KEEP_ALIVE": "1"}
    api = Api(tmp_path_factory.mktemp("hasty"), {**clean_environment(), **settings}, port=free_port())
    api.start()
    api.wait_ready()
    yield api
    api.stop()


@pytest.mark.parametrize(("segments", "statuses"), [row[1:] for row in SOCKETS], ids=[row[0] for row in SOCKETS])
def test_what_is_on_the_wire_is_read_as_rfc_9110_has_it(hasty: Api, segments: list[bytes], statuses: list[int]) -> None:
    parts = urlsplit(hasty.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=80) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for segment in segments:
            connection.sendall(segment)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))  # the API closes every one of them
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)] == statuses


RANGES: list[tuple[str, Request, int]] = [
    ("6a: the zero time of Go", get("/v1/recipients/gone?since=0001-01-01T00:00:00Z"), 200),
    ("6a: a time before 1970", get("/v1/recipients/gone?since=1969-07-20T20:17:40Z"), 200),
    ("6a: a time before year 1 in UTC", get("/v1/recipients/gone?since=0001-01-01T00:00:00%2B14:00"), 200),
    ("6: an infinite delay", post(f"{ECHO}?delay=inf", "{}"), 422),
    ("6: a delay and a life of a year each", post(f"{ECHO}?delay=31536000&expires_in=31536000", "{}"), 202),
    ("6: a parameter twice", post(f"{ECHO}?delay=1&delay=2", "{}"), 422),
    ("debatable: a key twice in an object", post(ECHO, '{"message":"a","message":"b"}'), 400),
    ("debatable: a byte order mark", post(ECHO, '\ufeff{"message":"a"}'), 400),
    ("debatable: true for a number", post(PUSH, '{"token":"a","ttl":true}'), 422),
    ("debatable: an underscore in a number", post(f"{ECHO}?delay=1_000", "{}"), 422),
    ("debatable: an escaped slash in a token", Request("POST", "/push/a%2Fb"), 202),
]


@pytest.mark.parametrize(("request_", "status"), [row[1:] for row in RANGES], ids=[row[0] for row in RANGES])
def test_every_value_has_a_range(client: httpx2.Client, request_: Request, status: int) -> None:
    assert request_.send(client).status_code == status


def revoke(celery: Celery, id: str) -> None:
    celery.AsyncResult(id).revoke()


def terminate(celery: Celery, id: str) -> None:
    celery.control.revoke(id, terminate=True)


@pytest.mark.parametrize("command", [revoke, terminate], ids=["4a: revoke", "4a: revoke with terminate"])
def test_a_task_that_celery_revokes_is_cancelled(
    stack: Stack, client: httpx2.Client, redis: Redis, command: Callable[[Celery, str], None]
) -> None:
    id = str(post(f"{ECHO}?delay=600", "{}").send(client).json()["id"])
    with Celery("stock", broker=stack.redis_url, backend=stack.redis_url, set_as_current=False) as celery:
        command(celery, id)
        assert wait_until(lambda: client.get(f"/v1/tasks/{id}").json()["state"] == "cancelled", 30)
        assert str(celery.AsyncResult(id).state) == "REVOKED"


def test_4b_a_pool_of_threads_is_refused(stack: Stack) -> None:
    command = [sys.executable, "-m", "celery", "-A", "handoff_worker", "worker", "--pool=threads"]
    env = {**clean_environment(), "CELERY_BROKER_URL": stack.redis_url, "HANDOFF_ENV": "development"}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, "prefork pool: leave --pool" in ended.stderr) == (2, True), ended.stderr


MISCONFIGURED: list[tuple[str, Place, str]] = [
    ("2a: a user without channel rights", user("no-channels"), "&handoff:events:*"),
    ("2b: cluster mode", server("--cluster-enabled", "yes"), "cluster mode"),
    ("2b: rights for other keys alone", user("no-keys"), "~handoff:*"),
    ("2b: a database number that does not exist", server(path="99"), "no database of the number"),
    ("7a: no right to EVAL", user("no-eval"), "run EVALSHA"),
    ("7a: no right to INFO", user("no-info"), "run INFO"),
    ("7a: maxclients is reached", full(), "maxclients"),
    ("7a: a wrong host name", nowhere("no-such-host.invalid"), "does not resolve"),
    ("7a: TLS to a plain port", plain_before(server()), "does not speak TLS"),
]


@pytest.mark.parametrize(
    ("place", "sentence"), [row[1:] for row in MISCONFIGURED], ids=[row[0] for row in MISCONFIGURED]
)
def test_a_redis_that_cannot_serve_is_named(tmp_path: Path, place: Place, sentence: str) -> None:
    with place(tmp_path) as url, pytest.raises(LedgerUnavailable) as refusal:
        RedisRequirements(service="worker", url=url, allow_data_loss=False).check()
    assert sentence in str(refusal.value)
