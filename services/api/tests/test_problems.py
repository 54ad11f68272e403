"""Every domain error maps to a problem, and the answer to an unexpected error reveals nothing."""

import logging

import pytest
from fastapi import Request
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from handoff_api.app import build_app
from handoff_api.hot_routes import HotRoutes
from handoff_api.observability import ObservabilityMiddleware
from handoff_api.problems import DOMAIN_ERRORS, field_errors
from handoff_api.settings import Settings
from handoff_contracts import UnknownContract
from handoff_ledger import IdempotencyConflict, LedgerUnavailable, QueueFull, UnknownTask


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (UnknownContract("a secret"), 404, None),
        (UnknownTask("a secret"), 404, None),
        (IdempotencyConflict("a secret"), 422, None),
        (QueueFull("bulk"), 429, "5"),
        (LedgerUnavailable("Redis is loading its data."), 503, "2"),
    ],
)
def test_a_domain_error_becomes_a_problem(error: Exception, status: int, retry_after: str | None) -> None:
    app, _ = build_app(Settings())

    @app.get("/boom")
    async def boom() -> None:
        raise error

    with TestClient(ObservabilityMiddleware(app)) as client:
        answer = client.get("/boom")
    assert answer.status_code == status
    assert answer.json()["code"] == DOMAIN_ERRORS[type(error)].code
    assert answer.headers.get("Retry-After") == retry_after
    assert "secret" not in answer.text


async def boom(_: Request) -> Response:
    raise RuntimeError("a secret")


@pytest.mark.parametrize("path", ["/routed", "/hot"])
def test_the_answer_to_an_unexpected_error_reveals_nothing(caplog: pytest.LogCaptureFixture, path: str) -> None:
    app, _ = build_app(Settings())
    app.post("/routed")(boom)
    hot = HotRoutes(app, {"/hot": APIRoute("/hot", boom, methods=["POST"])})
    with TestClient(ObservabilityMiddleware(hot)) as client:
        answer = client.post(path, headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "secret" not in answer.text
    assert "secret" not in caplog.text
    (line,) = [
        record for record in caplog.records if record.levelno == logging.ERROR and record.name.startswith("handoff")
    ]
    assert vars(line)["error"] == "RuntimeError"
    assert "in boom" in vars(line)["where"]
    assert vars(line)["request_id"] == "abc-1"


def test_a_long_field_name_from_the_client_is_cut() -> None:
    class Strict(BaseModel, extra="forbid"):
        pass

    with pytest.raises(ValidationError) as raised:
        Strict.model_validate({"x" * 10_000: 1})
    assert field_errors(raised.value) == [("x" * 64, "Extra inputs are not permitted")]
