"""What a process holds while it serves, and what a request knows."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from fastapi import Request

from handoff_api.redis_health import Pulse
from handoff_api.watcher import Watcher
from handoff_ledger import AsyncLedger


class Resources(TypedDict):
    ledger: AsyncLedger
    watcher: Watcher
    pulse: Pulse


class State(Resources):
    """What a request finds: the process's resources, and what the middleware learned of the request."""

    client: str  # who calls, by the name of the key
    headers: Mapping[bytes, bytes]
    refused: NotRequired[int]  # the status with which the connection refused the rest of the request


class ApiRequest(Request[State]):
    """A request whose state has a type; FastAPI recognises its parameter by the class."""

    @property
    def state(self) -> State:
        """The scope's own, without Starlette's wrapper."""
        state: State = self.scope["state"]
        return state
