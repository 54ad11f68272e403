"""Header fields: whitespace around values has no meaning, lists are combined, and singletons appear once."""

import pytest
from fastapi.testclient import TestClient

from handoff_api.headers import SINGLETONS, combine_fields


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        ([], {}),
        ([(b"idempotency-key", b"abc")], {b"idempotency-key": b"abc"}),
        ([(b"idempotency-key", b" \t abc \t ")], {b"idempotency-key": b"abc"}),
        ([(b"idempotency-key", b" a  b ")], {b"idempotency-key": b"a  b"}),
        ([(b"idempotency-key", b" ")], {b"idempotency-key": b""}),
        ([(b"prefer", b"respond-async"), (b"prefer", b" wait=5 ")], {b"prefer": b"respond-async, wait=5"}),
        ([(b"x-any", b"1"), (b"x-other", b"2"), (b"x-any", b"3")], {b"x-any": b"1, 3", b"x-other": b"2"}),
        ([(b"cookie", b"a=1"), (b"cookie", b"b=2")], {b"cookie": b"a=1; b=2"}),
    ],
)
def test_lines_become_fields(lines: list[tuple[bytes, bytes]], fields: dict[bytes, bytes]) -> None:
    assert combine_fields(lines) == (fields, None)


@pytest.mark.parametrize("name", sorted(SINGLETONS))
def test_a_repeated_singleton_has_no_value(name: bytes) -> None:
    fields, problem = combine_fields([(name, b"1"), (b"prefer", b"2"), (name, b"1")])
    assert fields == {b"prefer": b"2"}
    assert problem is not None
    assert [fault.path.lower() for fault in problem.errors] == [f"header.{name.decode()}"]


REPEATED = ["Authorization", "Idempotency-Key", "Content-Type", "Content-Length", "X-Request-Id", "Host", "User-Agent"]


@pytest.mark.parametrize("name", REPEATED)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/tasks/system.echo"), ("GET", "/livez"), ("GET", "/none")])
def test_a_repeated_singleton_is_refused_on_every_path(client: TestClient, name: str, method: str, path: str) -> None:
    lines = [(name.lower().encode(), value) for value in (b"2", b"2")]
    answer = client.request(method, path, content=b"{}", headers=[*lines])
    assert (answer.status_code, answer.json()["code"]) == (400, "repeated_field")
    assert [error["path"] for error in answer.json()["errors"]] == [f"header.{name}"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.headers["X-Request-ID"]) == 16
