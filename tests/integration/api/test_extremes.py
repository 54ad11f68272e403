"""No value makes the API answer 5xx, and a refused request leaves the ledger unchanged."""

import json
import re
from typing import Any
from urllib.parse import quote_from_bytes

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from handoff_api.app import build_app
from handoff_api.cursors import encode_cursor
from handoff_api.settings import Settings
from stack import Api
from tests.integration.api.conftest import KEYS
from tests.integration.api.extremes import Operation, Place, operations
from tests.integration.api.raw_client import Answer, ask

ECHO = "/v1/tasks/system.echo"
MINIMAL_BODIES: dict[str, dict[str, Any]] = {  # so that the API accepts an extreme value beside it
    "push.send": {"token": "t"},
    "email.send": {"to": "a@example.com", "text": "Hi"},
    "http.request": {"url": "https://example.com"},
    "document.extract": {"file": {"path": "a.pdf"}},
}
WAITS = re.compile(rb"wait\s*=\s*0*[1-9]", re.IGNORECASE)
OPERATIONS = list(operations(build_app(Settings(env="development"))[0].openapi()))


class Target:
    """An API with a task and a batch, and requests that carry one extreme value."""

    def __init__(self, api: Api, client: httpx2.Client, redis: Redis) -> None:
        self.port = int(api.url.rpartition(":")[2])
        self.redis = redis
        self.client = client
        self.key = {"Authorization": f"Bearer {KEYS['tests']}".encode()}
        self.reset()

    def reset(self) -> None:
        """Empty Redis, and submit one task and one batch."""
        self.redis.flushdb()
        task = self.client.post(f"{ECHO}?delay=3000", json={}).json()["id"]
        batch = self.client.post("/v1/batches/system.echo", json={"items": [{}] * 3}).json()["id"]
        self.ids = {"tasks": task, "batches": batch}
        self.known = self.changes()

    def send(self, operation: Operation, place: Place, value: bytes) -> Answer:
        path = operation.path.encode()
        headers = dict(self.key)
        for where, name in operation.places:
            if where == "path":
                known = self.ids.get(operation.path.split("/")[2], "t").encode()
                given = quote_from_bytes(value, safe="").encode() if name == place.name else known
                path = path.replace(b"{%b}" % name.encode(), given)
        if place.where == "query":
            path += b"?%b=%b" % (place.name.encode(), quote_from_bytes(value, safe="").encode())
        if place.where == "header":
            headers[place.name] = value
        if not operation.has_body:
            return ask(self.port, operation.method, path, headers)
        headers["Content-Type"] = b"application/json"
        return ask(self.port, operation.method, path, headers, self.body(operation, place, value))

    def body(self, operation: Operation, place: Place, value: bytes) -> bytes:
        minimal = MINIMAL_BODIES.get(operation.path.rpartition("/")[2], {})
        if place.where == "body":
            return value
        if operation.path.startswith("/v1/batches/"):
            item = members(minimal, place, value) if place.where == "item" else json.dumps(minimal).encode()
            whole = {"items": b"[%b]" % item} | ({place.name: value} if place.where == "field" else {})
            return b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), source) for name, source in whole.items())
        return members(minimal, place, value)

    def changes(self) -> int:
        """Return how many changes Redis has made."""
        return int(self.redis.info("persistence")["rdb_changes_since_last_save"])


def members(minimal: dict[str, Any], place: Place, value: bytes) -> bytes:
    """Return a JSON object that contains the JSON text of a value."""
    sources = {name: json.dumps(each).encode() for name, each in minimal.items()}
    if place.where in ("field", "item"):
        sources[place.name] = value
    return b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), source) for name, source in sources.items())


def names_the_place(document: Any, place: Place) -> bool:
    """Return whether a problem names the wrong value."""
    if document["code"] == "bad_cursor":
        return place.name == "cursor"
    paths = [error["path"] for error in document["errors"]]
    if place.where == "query":
        return all(
            path in ("query", f"query.{place.name}", place.name) for path in paths
        )  # push names the fields of its payload
    if place.where == "header":
        return paths == [f"header.{place.name}"]
    return bool(paths)


@pytest.fixture
def target(api_server: Api, client: httpx2.Client, redis_url: str) -> Target:
    return Target(api_server, client, Redis.from_url(redis_url))


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_each_extreme_value_at_each_place(operation: Operation, target: Target) -> None:
    for place in operation.new:
        for value in place.values:
            check(target, operation, place, value)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_drawn_values_at_each_place(operation: Operation, target: Target) -> None:
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(operation.places), st.data())
    def send(place: Place, data: st.DataObject) -> None:
        check(target, operation, place, data.draw(place.drawn))

    send()


def check(target: Target, operation: Operation, place: Place, value: bytes) -> None:
    """Send a value. The API accepts it and can read it back, or refuses it and leaves Redis unchanged."""
    if place.where == "header" and (WAITS.search(value) or re.search(rb"[\x00\r\n]", value)):
        return  # a wait without a worker only takes time; these bytes end a header or a request
    answer = target.send(operation, place, value)
    assert answer.status < 500, (place, value[:100], answer.body)
    if answer.status >= 400:
        assert target.changes() == target.known, (place, value[:100])
    if answer.status == 422 and answer.document["code"] != "idempotency_conflict":
        assert names_the_place(answer.document, place), (place, value[:100], answer.document)
    if answer.status == 202:
        read_back(target, answer)
    if answer.status < 400 and operation.method != "GET":
        if operation.has_body:
            target.known = target.changes()
        else:  # the task or the batch is another one now
            target.reset()


def read_back(target: Target, answer: Answer) -> None:
    """Read an accepted task or batch, and the lists that contain it."""
    at = answer.headers.get("location", f"/v1/tasks/{answer.document['id']}").encode()
    paths = [at, b"/v1/tasks?limit=500", *([at + b"/items"] if b"batches" in at else [])]
    for path in paths:
        assert ask(target.port, "GET", path, target.key).status == 200, path


STREAM = [
    "0-0",
    "0-1",
    f"{10**20}-0",
    f"{2**64 - 1}-{2**64 - 1}",
    f"{2**53}-0",
    "1-" + "9" * 20,
    "-1-0",
    "(1-0",
    "+",
    "$",
]
FORGED = [
    *((b"/v1/recipients/gone", ("gone",), inner) for inner in STREAM),
    *((b"/v1/actions", (), inner) for inner in STREAM),
    *(
        (b"/v1/tasks", (None, "", ""), inner)
        for inner in [
            *(f"handoff:queued:default|{score}|a" for score in ("9" * 20, "nan", "-1", "1e308", "0", "(1")),
            *(
                "handoff:parked:a:1|1|a",
                "handoff:seq|1|a",
                "handoff:stats|1|a",
                "batch|99999999999999999999|a",
                "batch|1|a",
            ),
            "handoff:queued:default|999999999999999|" + "z" * 40,
        ]
    ),
    *(
        (b"items", (), inner)
        for inner in ("9999999.9999999", "99999.99999", "0.-1", "-1.0", "0.0", f"{2**64}.1", "0.99999")
    ),
]


@pytest.mark.parametrize(("path", "scope", "inner"), FORGED)
def test_a_forged_cursor(path: bytes, scope: tuple[object, ...], inner: str, target: Target) -> None:
    if path == b"items":
        batch = target.ids["batches"]
        path, scope = f"/v1/batches/{batch}/items".encode(), (batch, None)
    cursor = encode_cursor(inner, *scope)
    assert cursor
    answer = ask(target.port, "GET", b"%b?cursor=%b" % (path, cursor.encode()), target.key)
    assert answer.status == 200 or (answer.status, answer.document["code"]) == (422, "bad_cursor")


def test_every_parameter_is_reached() -> None:
    """The places come from the OpenAPI document, so that they include every new route."""
    reached = {place for operation in OPERATIONS for place in operation.places}
    assert {Place("query", "since"), Place("query", "cursor"), Place("path", "id"), Place("item", "token")} <= reached
    assert {Place("header", "Prefer"), Place("field", "ended_from"), Place("path", "device_token")} <= reached
