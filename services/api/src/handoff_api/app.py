"""The ASGI application: its resources, routes and middleware."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

from handoff_api import openapi, problems, query_parameters
from handoff_api.auth import AuthMiddleware
from handoff_api.event_streams import EndAlreadySent, no_content
from handoff_api.head_method import HeadMiddleware
from handoff_api.hot_routes import HotRoutes
from handoff_api.observability import ObservabilityMiddleware
from handoff_api.payload_validator import PayloadValidator
from handoff_api.redis_health import RedisHealth
from handoff_api.request_state import Resources
from handoff_api.routes import batches, catalogue, docs, health, push, recipients, redrive, tasks
from handoff_api.settings import Settings
from handoff_api.views import BatchView, TaskView
from handoff_api.watcher import Watcher
from handoff_common.settings import load
from handoff_contracts import CATALOGUE
from handoff_ledger import AsyncLedger, Limits

# OpenTelemetry would export query strings and the texts of exceptions, which can contain what clients sent.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
CANCEL_RETRY_SECONDS = 0.1


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Open what requests share. Without Redis the API starts too, and answers 503 where a call needs Redis."""
    ledger = AsyncLedger(settings.broker_url, Limits.of(settings), durable=settings.durable_accept)
    watcher = Watcher(settings.broker_url)
    redis_health = RedisHealth(ledger, settings.redis_requirements)
    await redis_health.probe()
    background = [asyncio.create_task(redis_health.run()), asyncio.create_task(watcher.run())]
    try:
        yield Resources(ledger=ledger, watcher=watcher, redis_health=redis_health)
    finally:
        for task in background:
            await _cancel(task)
        await watcher.aclose()
        await ledger.aclose()


async def _cancel(task: asyncio.Task[None]) -> None:
    while not task.done():  # redis-py swallows a cancellation that arrives while it connects
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_RETRY_SECONDS)


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Return the application that gunicorn serves. Without an argument the settings come from the environment."""
    settings = settings or load(Settings)
    app, hot_routes = build_app(settings)
    # These wrap the app from outside, because FastAPI's own middleware only wraps calls that reach its router.
    return ObservabilityMiddleware(AuthMiddleware(HotRoutes(HeadMiddleware(app), hot_routes), settings.keys()))


def build_app(settings: Settings) -> tuple[FastAPI, dict[str, APIRoute]]:
    """Return the FastAPI app with all routes, and by path the routes that `HotRoutes` serves."""
    development = settings.development
    app = FastAPI(
        title="Handoff",
        lifespan=lambda _: open_resources(settings),
        openapi_url=docs.OPENAPI_PATH if development else None,
        docs_url=None,  # FastAPI's own page loads Swagger UI from another host; routes/docs.py serves it from here
        redoc_url=None,
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
    )
    hot_routes = add_contract_routes(app)  # first, because /v1/tasks/{contract} would match every contract's path
    problems.add_exception_handlers(app)
    app.exception_handler(EndAlreadySent)(no_content)
    for router in (
        tasks.router,
        redrive.router,
        batches.router,
        push.router(development=development),
        recipients.router,
        catalogue.router,
        health.router,
        *([docs.router()] if development else []),
    ):
        app.include_router(router, dependencies=[Depends(query_parameters.check_query_parameters)])
    app.openapi = partial(openapi.build_document, app, version("handoff-api"))  # type: ignore[method-assign]  # FastAPI documents this way
    return app, hot_routes


def add_contract_routes(app: FastAPI) -> dict[str, APIRoute]:
    """Add one POST route for tasks and one for batches of every contract. Return these routes by path."""
    for contract in CATALOGUE:
        validator = PayloadValidator(contract)
        for kind, one, routes, view in (("tasks", "task", tasks, TaskView), ("batches", "batch", batches, BatchView)):
            app.router.add_api_route(
                f"/v1/{kind}/{contract.name}",
                routes.accept_endpoint(validator),
                methods=["POST"],
                status_code=202,
                response_model=view,
                response_description=f"The accepted {one}",
                summary=f"Submit a {one}: {contract.name}",
                description=f"{contract.summary}\n\n{routes.ACCEPT_DESCRIPTION}",
                tags=[kind],
                operation_id=f"{kind}:{contract.name}",
            )
    return {route.path: route for route in app.routes if isinstance(route, APIRoute)}
