"""Server-sent events: a task's or a batch's view whenever it changes, the last one named `end`.

A browser's EventSource connects again when a stream ends, and sends the id of its last event as `Last-Event-ID`. The id
of an `end` contains the time of the end. The API answers a client that already has that end by 204, which stops an
EventSource.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from starlette.responses import Response

from handoff_api.request_state import ApiRequest, State
from handoff_ledger import Batch, Call, Task

T = TypeVar("T", Task, Batch)
PACE_SECONDS = 0.2  # between two events of a stream
END_KNOWN: dict[int | str, dict[str, Any]] = {204: {"description": "`Last-Event-ID` names the end: there is no more"}}
AGAIN_MS = 2000  # after which a client that lost the stream comes back


async def events(
    state: State, id: str, call: Call[T], name: str, view: Callable[[T], BaseModel], ended: Callable[[T], bool]
) -> AsyncIterator[ServerSentEvent]:
    """The events of what `call` reads."""
    ledger, number = state["ledger"], 0

    async def read() -> T:
        return await ledger.run(call)

    async for now in state["watcher"].follow(id, read, ended, PACE_SECONDS):
        number += 1
        event, key = ("end", end_id(now)) if ended(now) else (name, str(number))
        yield ServerSentEvent(raw_data=view(now).model_dump_json(), event=event, id=key, retry=AGAIN_MS)


class EndKnown(Exception):
    """The client already received the last event of this stream."""


def refuse_known_end(request: ApiRequest, now: Task | Batch) -> None:
    """Raises `EndKnown` when the client's last event is the end that the record `now` has."""
    if now.finished_at and request.state["headers"].get(b"last-event-id") == end_id(now).encode():
        raise EndKnown


def end_id(ended: Task | Batch) -> str:
    """The id of the last event. A record that ends again after a redrive gets another id."""
    return f"end-{ended.finished_at:%Y%m%dT%H%M%S.%f}"


async def no_content(_: Request, __: Exception) -> Response:
    return Response(status_code=204)
