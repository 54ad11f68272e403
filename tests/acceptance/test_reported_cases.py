"""Reported faults, replayed over a running stack: a row is a case, what is sent, and the answer that is right."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import httpx2
import pytest
from redis import Redis

from process import wait_until
from stack import Stack

JSON = {"Content-Type": "application/json"}
ECHO, ECHOES = "/v1/tasks/system.echo", "/v1/batches/system.echo"
PUSH, PUSHES = "/v1/tasks/push.send", "/v1/batches/push.send"
CALL, CALLS = "/v1/tasks/http.request", "/v1/batches/http.request"


class Request(NamedTuple):
    """One request. `body` is sent as it is written here."""

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


def test_8a_a_batch_of_10000_packs_is_cancelled_in_steps(client: httpx2.Client, redis: Redis) -> None:
    items = [{"file": {"path": f"{number}.pdf"}} for number in range(10_000)]
    accepted = post("/v1/batches/document.extract", json.dumps({"items": items})).send(client)
    assert accepted.status_code == 202, accepted.text
    batch = accepted.json()["links"]["self"]
    redis.config_resetstat()
    assert client.delete(batch).status_code == 202
    script = redis.info("commandstats")["cmdstat_hgetall"]["calls"]
    assert script <= 1_000, "one step went through too many packs"
    assert wait_until(lambda: client.get(batch).json()["state"] == "ended", 60)
    counts = client.get(batch).json()["counts"]
    assert counts["queued"] == counts["running"] == 0
    assert sum(counts.values()) == 10_000
