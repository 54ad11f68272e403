"""The application: its resources, its routes, and what stands around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

from handoff_api import openapi, parameters, problems
from handoff_api.auth import Authenticate
from handoff_api.fast import FastLane
from handoff_api.head import AnswerHead
from handoff_api.intake import Intake
from handoff_api.observe import Observe
from handoff_api.pulse import Pulse
from handoff_api.routes import batches, catalogue, health, letters, push, recipients, tasks
from handoff_api.settings import Settings
from handoff_api.state import Resources
from handoff_api.streams import EndKnown, no_content
from handoff_api.views import BatchView, TaskView
from handoff_api.watch import Watcher
from handoff_common.settings import load
from handoff_contracts import CATALOGUE
from handoff_ledger import AsyncLedger, Limits

# OpenTelemetry would carry exceptions' texts and query strings, which may hold what clients sent.
SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


@asynccontextmanager
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    """What requests work with. Redis need not be there: the calls that need it are answered by 503 until it is."""
    ledger, watcher = (
        AsyncLedger(settings.broker_url, Limits.of(settings), durable=settings.durable_accept),
        Watcher(settings.broker_url),
    )
    pulse = Pulse(ledger, settings.redis_requirements)
    await pulse.beat()
    background = [asyncio.create_task(pulse.run()), asyncio.create_task(watcher.run())]
    try:
        yield Resources(ledger=ledger, watcher=watcher, pulse=pulse)
    finally:
        for task in background:
            await _end(task)
        await watcher.aclose()
        await ledger.aclose()


async def _end(task: asyncio.Task[None]) -> None:
    while not task.done():  # redis-py swallows a cancellation that meets it while it connects
        task.cancel()
        await asyncio.wait([task], timeout=0.1)


def create_app(settings: Settings | None = None) -> ASGIApp:
    """What is served. Without settings they come from the environment."""
    settings = settings or load(Settings)
    app, lanes = site(settings)
    # Around FastAPI: what it puts around its router is for the calls that its router answers.
    return Observe(Authenticate(FastLane(AnswerHead(app), lanes), settings.keys()))


def site(settings: Settings) -> tuple[FastAPI, dict[str, APIRoute]]:
    """All routes, and those among them that have a lane."""
    browsable = settings.development
    app = FastAPI(
        title="Handoff",
        lifespan=lambda _: resources(settings),
        openapi_url="/openapi.json" if browsable else None,
        docs_url="/docs" if browsable else None,
        redoc_url="/redoc" if browsable else None,
        redirect_slashes=False,
        telemetry=SILENT,
    )
    lanes = offer(app)  # the first routes: a router takes every name of a contract, and lanes are all routes so far
    problems.install(app)
    app.exception_handler(EndKnown)(no_content)
    for router in (
        tasks.router,
        letters.router,
        batches.router,
        push.router(development=browsable),
        recipients.router,
        catalogue.router,
        health.router,
    ):
        app.include_router(router, dependencies=[Depends(parameters.check)])
    app.openapi = partial(openapi.document, app, version("handoff-api"))  # type: ignore[method-assign]  # FastAPI's documented way
    return app, lanes


def offer(app: FastAPI) -> dict[str, APIRoute]:
    """A route for the tasks and one for the batches of every contract, by path."""
    for contract in CATALOGUE:
        intake = Intake(contract)
        for kind, routes, view in (("tasks", tasks, TaskView), ("batches", batches, BatchView)):
            app.router.add_api_route(
                f"/v1/{kind}/{contract.name}",
                routes.accepting(intake),
                methods=["POST"],
                status_code=202,
                response_model=view,
                summary=contract.summary,
                tags=[kind],
                operation_id=f"{kind}:{contract.name}",
            )
    return {route.path: route for route in app.routes if isinstance(route, APIRoute)}
