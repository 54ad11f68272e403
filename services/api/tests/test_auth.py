"""Every call of /v1 and /push needs a key, and every wrong key gets the same answer."""

import pytest
from fastapi.testclient import TestClient

from handoff_api.app import create_app
from handoff_api.settings import Settings

KEY = "hk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY}a",
        f"Basic {KEY}",
        KEY,
        "Bearer ключ",
        "Bearer " + "a" * 10_000,
    ],
)
def test_every_wrong_key_gets_the_same_answer(client: TestClient, header: str | None) -> None:
    del client.headers["Authorization"]
    sent = {} if header is None else {b"Authorization": header.encode()}
    answer = client.get("/v1/contracts", headers=sent)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json() == {
        "type": "urn:handoff:problem:unauthorized",
        "title": "A valid API key is needed.",
        "status": 401,
        "detail": "A valid API key is needed.",
        "code": "unauthorized",
        "errors": [],
    }


@pytest.mark.parametrize("between", [" ", "  ", "\t", " \t ", "          "])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " Bearer", "\tBearer"])
@pytest.mark.parametrize("after", ["", " ", "\t"])
def test_whitespace_around_the_key_is_ignored(client: TestClient, scheme: str, between: str, after: str) -> None:
    header = {"Authorization": f"{scheme}{between}{KEY}{after}"}
    assert client.get("/v1/contracts", headers=header).status_code == 200


def test_a_key_in_the_query_is_ignored(client: TestClient) -> None:
    del client.headers["Authorization"]
    for name in ("key", "api_key", "token", "authorization"):
        assert client.get("/v1/contracts", params={name: KEY}).status_code == 401


def test_every_operation_for_clients_needs_a_key(client: TestClient) -> None:
    del client.headers["Authorization"]
    operations = [
        (method, path) for path, methods in client.get("/openapi.json").json()["paths"].items() for method in methods
    ]
    assert len(operations) > 10
    for method, path in [*operations, ("post", "/v1/tasks/no.such"), ("get", "/v1/"), ("patch", "/v1/tasks")]:
        assert client.request(method, path.format(id="x", device_token="y")).status_code == 401, (method, path)


def test_probes_need_no_key(client: TestClient) -> None:
    del client.headers["Authorization"]
    assert client.get("/livez").status_code == 200
    assert client.get("/metrics").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_development_may_switch_authentication_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_API_AUTH", "off")
    with TestClient(create_app(Settings())) as client:
        assert client.get("/v1/contracts").status_code == 200
