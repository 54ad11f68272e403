"""Input that two parsers could read in two ways. docs/api.md lists the answer to each."""

import json
from typing import Any

import httpx2
import pytest
from redis import Redis

from stack import Api
from tests.integration.api.conftest import KEYS
from tests.integration.api.raw_client import Answer, ask

ECHO, PUSH, HTTP = "/v1/tasks/system.echo", "/v1/tasks/push.send", "/v1/tasks/http.request"
BATCH, ITEMS = "/v1/batches/push.send", b'{"items":[{"token":"a"}]}'


@pytest.fixture
def port(api_server: Api, client: httpx2.Client) -> int:
    """The port of an API that is ready."""
    return int(api_server.url.rpartition(":")[2])


def post(port: int, target: str, body: bytes = b"{}") -> Answer:
    headers = {"Authorization": f"Bearer {KEYS['tests']}".encode(), "Content-Type": b"application/json"}
    return ask(port, "POST", target.encode(), headers, body)


def error_paths(answer: Answer) -> Any:
    """Return the paths that a problem names, or its detail when it names none."""
    return [error["path"] for error in answer.document["errors"]] or answer.document["detail"]


JSON = "The body is not valid JSON: "
TWICE = f"{JSON}an object has a key twice at line 1 column "
MARK = f"{JSON}it begins with a byte order mark."
REFUSED: list[tuple[str, bytes, int, Any]] = [
    # A key twice: some readers take the first value, some the last.
    (ECHO, b'{"message":"a","message":"b"}', 400, f"{TWICE}26."),
    (ECHO, b'{"message":"a","message":"a"}', 400, f"{TWICE}26."),
    (ECHO, b'{"message":"a","\\u006dessage":"b"}', 400, f"{TWICE}31."),
    (BATCH, b'{"items":[{"token":"a","token":"b"}]}', 400, f"{TWICE}32."),
    (BATCH, b'{"items":[{"token":"a"}],"items":[]}', 400, f"{TWICE}34."),
    (HTTP, b'{"url":"https://example.com","body_json":{"a":{"b":1,"b":2}}}', 400, f"{TWICE}58."),
    ("/v1/redrive", b'{"state":"dead","state":"failed"}', 400, f"{TWICE}25."),
    # RFC 8259 lets no sender add a byte order mark.
    (ECHO, b"\xef\xbb\xbf{}", 400, MARK),
    (ECHO, "{}".encode("utf-16"), 400, MARK),
    (BATCH, b"\xef\xbb\xbf" + ITEMS, 400, MARK),
    # A number, a boolean and text are three types.
    (PUSH, b'{"token":"a","ttl":true}', 422, ["ttl"]),
    (PUSH, b'{"token":"a","ttl":"60"}', 422, ["ttl"]),
    (PUSH, b'{"token":"a","ttl":"1_000"}', 422, ["ttl"]),
    (BATCH, b'{"items":[{"token":"a","ttl":false}]}', 422, ["items[0].ttl"]),
    (HTTP, b'{"url":"https://example.com","timeout":true}', 422, ["timeout"]),
    (HTTP, b'{"url":"https://example.com","expect":[true]}', 422, ["expect[0]"]),
    ("/v1/tasks/document.extract", b'{"file":{"path":"a.pdf"},"images":1}', 422, ["images"]),
    ("/v1/tasks/document.extract", b'{"file":{"path":"a.pdf"},"images":"yes"}', 422, ["images"]),
    # A number in a query is a JSON number, a time is one of RFC 3339.
    (f"{ECHO}?delay=1_000", b"{}", 422, ["query.delay"]),
    (f"{ECHO}?delay=%2B1", b"{}", 422, ["query.delay"]),
    (f"{ECHO}?delay=%201", b"{}", 422, ["query.delay"]),
    (f"{ECHO}?delay=0x10", b"{}", 422, ["query.delay"]),
    (f"{ECHO}?delay=%D9%A1", b"{}", 422, ["query.delay"]),
    (f"{ECHO}?run_at=2030-W01-1T00:00:00Z", b"{}", 422, ["query.run_at"]),
    (f"{ECHO}?run_at=2030-01-01T00:00:00", b"{}", 422, ["query.run_at"]),
    (f"{ECHO}?run_at=2030-01-01T00:00:00+01:00", b"{}", 422, ["query.run_at"]),  # an unescaped + is a space
    (f"{ECHO}?run_at=2030-12-31T23:59:60Z", b"{}", 422, ["query.run_at"]),
    # A repeated parameter, an unknown one, one that is not UTF-8, too many of them.
    (f"{ECHO}?delay=1&delay=2", b"{}", 422, ["query.delay"]),
    (f"{ECHO}?delay=1&delay=1", b"{}", 422, ["query.delay"]),
    (f"{ECHO}?dealy=1", b"{}", 422, ["query.dealy"]),
    (f"{BATCH}?delay=1", ITEMS, 422, ["query.delay"]),
    ("/push/a?title=x&title=y", b"", 422, ["query.title"]),
    ("/push/a?titel=x", b"", 422, ["query.titel"]),
    ("/push/a?title=%FF", b"", 422, ["query"]),
    (f"{ECHO}?{'&'.join(f'a{number}=1' for number in range(51))}", b"{}", 422, ["query"]),
    ("/v1/redrive?state=failed", b"{}", 422, ["query.state"]),
]


@pytest.mark.parametrize(("target", "body", "status", "expected"), REFUSED)
def test_ambiguous_input_is_refused(
    port: int, redis: Redis, target: str, body: bytes, status: int, expected: Any
) -> None:
    answer = post(port, target, body)
    assert (answer.status, error_paths(answer)) == (status, expected)
    assert redis.dbsize() == 0


@pytest.mark.parametrize(
    "path", ["/v1/tasks", "/v1/contracts", "/v1/queues", "/v1/actions", "/v1/recipients/gone", f"/v1/tasks/{'0' * 26}"]
)
def test_a_get_refuses_an_unknown_parameter_and_a_repeated_one(client: httpx2.Client, path: str) -> None:
    for query, name in (("limti=5", "limti"), ("limit=5&limit=6", "limit"), ("id=5", "id")):
        answer = client.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), (path, query)
        assert [error["path"] for error in answer.json()["errors"]] == [f"query.{name}"]


@pytest.mark.parametrize("delay", ["0", "-0", "-0.0", "5e-324", "1e0", "1.50", "31536000"])
def test_a_delay_is_any_json_number_in_its_range(port: int, delay: str) -> None:
    assert post(port, f"{ECHO}?delay={delay}&expires_in=31536000").status == 202


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01t00:00:00.123456789%2B14:00"]
)
def test_a_task_that_was_due_in_the_past_is_queued_at_once(port: int, at: str) -> None:
    answer = post(port, f"{ECHO}?run_at={at}")
    assert (answer.status, answer.document["state"]) == (202, "queued")


@pytest.mark.parametrize(
    ("path", "token"),
    [
        ("arn:aws:sns:eu-1:1:endpoint%2FGCM%2Fapp%2F1", "arn:aws:sns:eu-1:1:endpoint/GCM/app/1"),
        ("a%2fb", "a/b"),
        ("a/b", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("a%3Fb%23c", "a?b#c"),
        ("%2F", "/"),
    ],
)
def test_a_token_can_contain_a_slash(port: int, redis: Redis, path: str, token: str) -> None:
    answer = post(port, f"/push/{path}", b"")
    assert answer.status == 202
    payload = redis.get(f"handoff:payload:{answer.document['id']}")
    assert json.loads(str(payload))["token"] == token


@pytest.mark.parametrize("path", ["", "%20", "%00", "%FF", "%D0%BA", "a" * 4097])
def test_a_token_that_is_not_printable_ascii_is_refused(port: int, path: str) -> None:
    answer = post(port, f"/push/{path}", b"")
    assert (answer.status, error_paths(answer)) == (422, ["token"])


def test_a_number_in_body_json_keeps_every_digit(client: httpx2.Client, port: int) -> None:
    digits = "9" * 4_000
    numbers = b"[%b, 18446744073709551616, 1e308]" % digits.encode()
    body = b'{"items":[{"url":"https://example.com","body_json":%b}]}' % numbers
    answer = post(port, "/v1/batches/http.request", body)
    assert answer.status == 202
    (item,) = client.get(f"{answer.headers['location']}/items").json()["items"]
    assert item["item"]["body_json"] == [int(digits), 2**64, 1e308]


def test_the_deepest_accepted_body_can_be_listed(client: httpx2.Client, port: int) -> None:
    taken = 0
    for depth in range(190, 202):
        deep = "[" * depth + "]" * depth
        answer = post(
            port,
            "/v1/batches/http.request",
            b'{"items":[{"url":"https://example.com","body_json":%b}]}' % deep.encode(),
        )
        assert answer.status in (202, 400)
        if answer.status == 202:
            taken += 1
            (item,) = client.get(f"{answer.headers['location']}/items").json()["items"]
            assert json.dumps(item["item"]["body_json"]) == deep
    assert 0 < taken < 12
