"""`HotRoutes` answers POST to its routes, and passes every other request to the router."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from handoff_api.app import add_contract_routes, build_app
from handoff_api.hot_routes import HotRoutes
from handoff_api.problems import INVALID_JSON, Problem
from handoff_api.settings import Settings
from handoff_contracts import CATALOGUE
from handoff_ledger import QueueFull


async def router(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("router")(scope, receive, send)


def hot(endpoint: Callable[..., Any]) -> TestClient:
    return TestClient(HotRoutes(router, {"/hot": APIRoute("/hot", endpoint, methods=["POST"])}))


async def seen(request: Any) -> Response:
    return PlainTextResponse(request.scope["route"].path)


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [("POST", "/hot", "/hot"), ("GET", "/hot", "router"), ("POST", "/hot/", "router"), ("POST", "/", "router")],
)
def test_only_a_post_to_the_exact_path_takes_the_shortcut(method: str, path: str, answer: str) -> None:
    assert hot(seen).request(method, path).text == answer


@pytest.mark.parametrize(("error", "status"), [(Problem(INVALID_JSON), 400), (QueueFull("bulk"), 429)])
def test_an_expected_error_becomes_a_problem(error: Exception, status: int) -> None:
    async def fails(_: Any) -> Response:
        raise error

    answer = hot(fails).post("/hot")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_an_unexpected_error_is_raised() -> None:
    async def fails(_: Any) -> Response:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        hot(fails).post("/hot")


def test_every_contract_has_hot_routes() -> None:
    expected = {f"/v1/{kind}/{contract.name}" for contract in CATALOGUE for kind in ("tasks", "batches")}
    assert add_contract_routes(FastAPI()).keys() == expected
    assert {route.path for route in build_app(Settings())[0].routes if isinstance(route, APIRoute)} >= expected
