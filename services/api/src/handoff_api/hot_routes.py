"""A lane for the calls that most requests make: found by their exact path, their endpoint called as it is."""

from collections.abc import Mapping

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from handoff_api.problems import EXPECTED, answer
from handoff_api.request_state import ApiRequest


class FastLane:
    """Middleware that answers POST to its routes itself: past FastAPI's router, which tries one route after another."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, APIRoute]) -> None:
        self.app = app
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self.routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = route
        try:
            response = await route.endpoint(ApiRequest(scope, receive, send))
        except EXPECTED as error:
            response = answer(error)
        await response(scope, receive, send)
