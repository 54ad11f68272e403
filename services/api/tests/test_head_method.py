"""HEAD answers like GET without the body, on every GET route."""

import logging

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from handoff_api.app import build_app, create_app
from handoff_api.settings import Settings

ID = "01m81kyxp83h24cxpb262dbs7x"


def paths(app: FastAPI) -> list[str]:
    document = app.openapi()["paths"]
    listed = [path for path, methods in document.items() if "get" in methods and not path.startswith("/push/")]
    return [*listed, "/livez", "/readyz", "/metrics", "/nothing"]


def test_every_get_route_answers_head(client: TestClient) -> None:
    app, _ = build_app(Settings())
    assert len(paths(app)) > 12
    for path in paths(app):
        url = path.format(id=ID)
        get, head = client.get(url), client.head(url)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        same = {"content-type", "retry-after", "www-authenticate", "cache-control"}
        assert {n: head.headers.get(n) for n in same} == {n: get.headers.get(n) for n in same}, path
        if path != "/metrics":  # its length changes with every request
            assert head.headers["Content-Length"] == get.headers["Content-Length"], path


def test_head_needs_a_key_like_get(client: TestClient) -> None:
    del client.headers["Authorization"]
    answer = client.head("/v1/contracts")
    assert (answer.status_code, answer.headers["WWW-Authenticate"], answer.content) == (401, "Bearer", b"")


@pytest.mark.parametrize("path", ["/push/device", "/v1/redrive", "/v1/tasks/x/redrive"])
def test_head_is_refused_where_get_is_missing_or_acts(client: TestClient, path: str) -> None:
    assert client.head(path).status_code == 405


def test_the_log_and_the_metrics_name_head_and_its_route(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client.head(f"/v1/tasks/{ID}")
    (line,) = [vars(record) for record in caplog.records if vars(record).get("event") == "request"]
    assert (line["method"], line["route"], line["status"]) == ("HEAD", "/v1/tasks/{id}", 503)


def test_production_answers_head(monkeypatch: pytest.MonkeyPatch, client: TestClient) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "production")
    with TestClient(create_app(Settings()), headers=dict(client.headers)) as production:
        assert production.head("/livez").status_code == 200
        assert production.head("/docs").status_code == 404
