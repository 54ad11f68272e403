"""Every wrong request gets a problem document with a code and the path of each wrong field, and no quoted value."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

JSON = {"Content-Type": "application/json"}
DEEP = '{"message":' + "[" * 1000 + "]" * 1000 + "}"


def problem(answer: Any, status: int, code: str) -> list[tuple[str, str]]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["code"] == code
    assert document["status"] == status
    assert document["type"] == f"urn:handoff:problem:{code}"
    assert set(document) == {"type", "title", "status", "detail", "code", "errors"}
    return [(error["path"], error["message"]) for error in document["errors"]]


@pytest.mark.parametrize("kind", ["tasks", "batches"])
def test_an_unknown_contract(client: TestClient, kind: str) -> None:
    problem(client.post(f"/v1/{kind}/no.such", json={}), 404, "unknown_contract")


def test_unknown_paths_and_methods(client: TestClient) -> None:
    problem(client.get("/nothing"), 404, "not_found")
    answer = client.put("/v1/tasks/system.echo", json={})
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"]


@pytest.mark.parametrize("id", ["x", "..%2f..%2fetc", "01m81kyxp83h24cxpb262dbs7x.x", "0" * 27, "%00"])
def test_a_malformed_id_is_unknown(client: TestClient, id: str) -> None:
    for path in (f"/v1/tasks/{id}", f"/v1/tasks/{id}/events"):
        answer = client.get(path)
        assert answer.json()["code"] in ("unknown_task", "not_found")
        assert answer.status_code == 404
    assert client.get(f"/v1/batches/{id}").status_code == 404


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({}, "token"),
        ({"token": "a", "tokn": "b"}, "tokn"),
        ({"token": 7}, "token"),
        ({"token": "with space"}, "token"),
        ({"token": "line\nbreak"}, "token"),
        ({"token": "a" * 4097}, "token"),
        ({"token": "a", "title": "t" * 257}, "title"),
        ({"token": "a", "data": {"k": 1}}, "data.k"),
        ({"token": "a", "provider": "pigeon"}, "provider"),
        ([], ""),
        ("text", ""),
    ],
)
def test_a_payload_that_does_not_fit_the_contract(client: TestClient, payload: object, path: str) -> None:
    answer = client.post("/v1/tasks/push.send", json=payload)
    assert [at for at, _ in problem(answer, 422, "invalid_payload")] == [path]


def test_the_answer_names_every_wrong_field_and_quotes_no_value(client: TestClient) -> None:
    answer = client.post("/v1/tasks/push.send", json={"token": "a secret", "title": 5, "tokn": "hidden"})
    assert {at for at, _ in problem(answer, 422, "invalid_payload")} == {"token", "title", "tokn"}
    assert "secret" not in answer.text
    assert "hidden" not in answer.text


@pytest.mark.parametrize(
    "body", ["", "{", "{'a': 1}", '{"message": NaN}', '{"message": Infinity}', "\xff", '"\\ud800"', DEEP, "[" * 100_000]
)
def test_a_body_that_is_not_json(client: TestClient, body: str) -> None:
    for path in ("/v1/tasks/system.echo", "/v1/batches/system.echo"):
        problem(client.post(path, content=body.encode("latin-1"), headers=JSON), 400, "invalid_json")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_another_content_type(client: TestClient, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = client.post("/v1/tasks/system.echo", content=b'{"message":"x"}', headers=headers)
    problem(answer, 415, "unsupported_media_type")


def test_a_compressed_body(client: TestClient) -> None:
    answer = client.post("/v1/tasks/system.echo", content=b"\x1f\x8b", headers={**JSON, "Content-Encoding": "gzip"})
    problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(("path", "limit"), [("/v1/tasks/system.echo", 1 << 20), ("/v1/batches/system.echo", 32 << 20)])
def test_a_body_over_the_limit(client: TestClient, path: str, limit: int) -> None:
    problem(client.post(path, content=b" " * (limit + 1), headers=JSON), 413, "body_too_large")
    problem(client.post(path, content=b" " * limit, headers=JSON), 400, "invalid_json")


def test_a_body_over_the_limit_in_chunks(client: TestClient) -> None:
    chunks = (b" " * 65_536 for _ in range(17))
    answer = client.post("/v1/tasks/system.echo", content=chunks, headers=JSON)
    problem(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("priority=urgent", "query.priority"),
        ("delay=-1", "query.delay"),
        ("delay=nan", "query.delay"),
        ("delay=1e9", "query.delay"),
        ("delay=1&run_at=2030-01-01T00:00:00Z", "query"),
        ("run_at=9999-01-01T00:00:00Z", "query"),
        ("run_at=2026-11-22T12:00:00", "query.run_at"),
        ("run_at=1800000000", "query.run_at"),
        ("run_at=soon", "query.run_at"),
        ("expires_in=0", "query.expires_in"),
        ("expires_in=inf", "query.expires_in"),
        ("prioritiy=high", "query.prioritiy"),
    ],
)
def test_a_wrong_parameter(client: TestClient, query: str, path: str) -> None:
    answer = client.post(f"/v1/tasks/system.echo?{query}", json={})
    assert [at for at, _ in problem(answer, 422, "invalid_request")] == [path]


@pytest.mark.parametrize("key", ["", "k" * 256, "ключ", "a\tb"])
def test_a_wrong_idempotency_key(client: TestClient, key: str) -> None:
    headers = {b"Content-Type": b"application/json", b"Idempotency-Key": key.encode()}
    for path, body in (("/v1/tasks/system.echo", b"{}"), ("/v1/batches/system.echo", b'{"items":[{}]}')):
        answer = client.post(path, content=body, headers=headers)
        assert [at for at, _ in problem(answer, 422, "invalid_request")] == ["header.Idempotency-Key"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["items"]),
        ({"items": []}, ["items"]),
        ({"items": {}}, ["items"]),
        ({"items": [{}], "extra": 1}, ["extra"]),
        ({"common": [], "items": [{}]}, ["common"]),
        ({"items": [{}, 5, "x"]}, ["items[1]", "items[2]"]),
        ([], [""]),
    ],
)
def test_a_batch_with_wrong_structure(client: TestClient, body: object, paths: list[str]) -> None:
    answer = client.post("/v1/batches/system.echo", json=body)
    assert [at for at, _ in problem(answer, 422, "invalid_batch")] == paths


def test_the_answer_names_the_index_of_each_wrong_item(client: TestClient) -> None:
    items: list[dict[str, object]] = [{"token": f"t{number}"} for number in range(600)]
    items[3] = {}
    items[599] = {"token": "a secret", "x": 1}
    answer = client.post("/v1/batches/push.send", json={"common": {"title": "Hi"}, "items": items})
    found = problem(answer, 422, "invalid_batch")
    assert [at for at, _ in found] == ["items[3].token", "items[599].token", "items[599].x"]
    assert "secret" not in answer.text


def test_the_list_of_wrong_fields_is_bounded(client: TestClient) -> None:
    answer = client.post("/v1/batches/push.send", json={"items": [{}] * 10_000})
    assert len(problem(answer, 422, "invalid_batch")) == 100
    answer = client.post("/v1/batches/system.echo", json={"items": [{}] * 100_001})
    assert [at for at, _ in problem(answer, 422, "invalid_batch")] == ["items"]


@pytest.mark.parametrize("cursor", ["!", "YQ", "aGFuZG9mZjpxdWV1ZWQ6aGlnaHwqfHg", "ż"])
def test_a_cursor_that_no_list_gave(client: TestClient, cursor: str) -> None:
    problem(client.get("/v1/tasks", params={"cursor": cursor}), 422, "bad_cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "state=pending", "batch=../x", "contract=A", "order=asc"])
def test_a_wrong_filter(client: TestClient, query: str) -> None:
    found = problem(client.get(f"/v1/tasks?{query}"), 422, "invalid_request")
    assert [at for at, _ in found] == [f"query.{query.partition('=')[0]}"]


def test_a_device_token_that_does_not_fit(client: TestClient) -> None:
    answer = client.post("/push/with%20space")
    assert [at for at, _ in problem(answer, 422, "invalid_payload")] == ["token"]
    assert "with" not in answer.text


def test_without_redis_the_answer_is_503_at_once(client: TestClient) -> None:
    for answer in (
        client.post("/v1/tasks/system.echo", json={}),
        client.post("/v1/tasks/system.echo", json={}, headers={"Prefer": "wait=30"}),
        client.post("/v1/batches/system.echo", json={"items": [{}]}),
        client.post("/push/token"),
        client.get("/v1/tasks"),
        client.get("/v1/tasks/01m81kyxp83h24cxpb262dbs7x"),
        client.get("/v1/tasks/01m81kyxp83h24cxpb262dbs7x/events"),
        client.get("/v1/queues"),
        client.get("/readyz"),
    ):
        problem(answer, 503, "ledger_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.elapsed.total_seconds() < 5
    assert "handoff_ledger_up 0.0" in client.get("/metrics").text


def test_the_body_of_a_redrive_is_checked(client: TestClient) -> None:
    found = problem(client.post("/v1/redrive", json={"state": "succeeded", "x": 1}), 422, "invalid_request")
    assert {at for at, _ in found} == {"state", "x"}
    problem(client.post("/v1/redrive", content=b"{", headers=JSON), 400, "invalid_json")
    problem(client.post("/v1/redrive", content=b"{}"), 415, "unsupported_media_type")
    answer = client.post("/v1/redrive", content=b" " * ((1 << 20) + 1), headers=JSON)
    problem(answer, 413, "body_too_large")
