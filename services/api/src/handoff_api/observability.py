"""Around every request: its correlation id, a line in the log, its metrics, an answer to what nobody caught."""

import logging
import re
import time
import traceback
from functools import cache
from random import getrandbits

from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handoff_api.headers import combine
from handoff_api.metrics import HTTP_REQUESTS, HTTP_SECONDS
from handoff_api.problems import INTERNAL, Problem

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})
CLIENT_GONE = 499  # as nginx counts it
QUIET = frozenset({"/livez", "/readyz", "/metrics"})  # probes would drown the log


class Observe:
    """Names a route by its template and never by its path: a path may hold a device token."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        state = scope.setdefault("state", {})
        headers, repeated = combine(scope["headers"])
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
            status = state.get("refused", CLIENT_GONE)
        except Exception as error:
            # Its text may quote a payload; where it came from is enough.
            where = "".join(traceback.format_tb(error.__traceback__))
            extra = {"event": "error", "error": type(error).__name__, "where": where, "request_id": request_id.decode()}
            log.error("A request failed", extra=extra)
            if not status:
                await Problem(INTERNAL).response()(scope, receive, answer)
        finally:
            _record(scope, status or CLIENT_GONE, time.perf_counter() - began, request_id)


def _record(scope: Scope, status: int, seconds: float, request_id: bytes) -> None:
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = getattr(scope.get("route"), "path_format", "unknown")
    counter, histogram = _metrics(method, route, status)
    counter.inc()
    histogram.observe(seconds)
    if route in QUIET and status < 500:
        return
    extra = {"event": "request", "method": method, "route": route, "status": status, "ms": round(seconds * 1000, 2)}
    extra |= {"client": scope["state"].get("client"), "request_id": request_id.decode()}
    log.info("Answered a request", extra=extra)


@cache
def _metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return HTTP_REQUESTS.labels(method, route, str(status)), HTTP_SECONDS.labels(method, route)
