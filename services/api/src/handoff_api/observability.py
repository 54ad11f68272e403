"""The outermost middleware: correlation id, access log, HTTP metrics, and the answer to unexpected errors."""

import logging
import re
import time
import traceback
from functools import cache
from random import getrandbits

from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handoff_api.headers import combine_fields
from handoff_api.metrics import HTTP_REQUESTS, HTTP_SECONDS
from handoff_api.problems import INTERNAL, Problem

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})
CLIENT_CLOSED = 499  # nginx's status for a client that closes before the answer
UNLOGGED_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})  # probes would fill the log


class ObservabilityMiddleware:
    """Logs and counts every request. Names a route by its template, because a path can contain a device token."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        state = scope.setdefault("state", {})
        headers, repeated = combine_fields(scope["headers"])
        state["headers"] = headers
        request_id = headers.get(b"x-request-id", b"")
        if not REQUEST_ID.fullmatch(request_id):
            request_id = b"%016x" % getrandbits(64)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id))
            await send(message)

        try:
            if repeated is None:
                await self.app(scope, receive, answer)
            else:
                await repeated.response()(scope, receive, answer)
        except ClientDisconnect:
            status = state.get("refused", CLIENT_CLOSED)
        except Exception as error:
            # The traceback without the error's text, which can quote a payload.
            where = "".join(traceback.format_tb(error.__traceback__))
            extra = {"event": "error", "error": type(error).__name__, "where": where, "request_id": request_id.decode()}
            log.error("A request failed", extra=extra)
            if not status:
                await Problem(INTERNAL).response()(scope, receive, answer)
        finally:
            _record(scope, status or CLIENT_CLOSED, time.perf_counter() - began, request_id)


def _record(scope: Scope, status: int, seconds: float, request_id: bytes) -> None:
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = getattr(scope.get("route"), "path_format", "unknown")
    counter, histogram = _metrics(method, route, status)
    counter.inc()
    histogram.observe(seconds)
    if route in UNLOGGED_ROUTES and status < 500:
        return
    extra = {"event": "request", "method": method, "route": route, "status": status, "ms": round(seconds * 1000, 2)}
    extra |= {"client": scope["state"].get("client"), "request_id": request_id.decode()}
    log.info("Answered a request", extra=extra)


@cache
def _metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return HTTP_REQUESTS.labels(method, route, str(status)), HTTP_SECONDS.labels(method, route)
