"""The typed state of a process and of a request."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from fastapi import Request

from handoff_api.redis_health import RedisHealth
from handoff_api.watcher import Watcher
from handoff_ledger import AsyncLedger


class Resources(TypedDict):
    """The objects that all requests of a process share."""

    ledger: AsyncLedger
    watcher: Watcher
    redis_health: RedisHealth


class RequestState(Resources):
    """The state of a request: the process's resources, and the results of the middleware."""

    client: str  # the name of the key with which the client authenticated
    headers: Mapping[bytes, bytes]  # by lower-case name
    refused: NotRequired[int]  # the status with which the connection refused the rest of the request's body


class ApiRequest(Request[RequestState]):
    """A request with a typed state. FastAPI recognises parameters of this class as the request."""

    @property
    def state(self) -> RequestState:
        """The state of the ASGI scope, without Starlette's wrapper."""
        state: RequestState = self.scope["state"]
        return state
