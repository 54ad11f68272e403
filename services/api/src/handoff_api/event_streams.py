"""Server-sent events: the view of a task or a batch after every change. The last event has the name `end`.

A browser's EventSource reconnects when a stream ends, and sends the id of its last event as `Last-Event-ID`. The id of
an `end` event contains the time of the end. The API answers 204 to a client that has this event already, because a 204
stops an EventSource.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from starlette.responses import Response

from handoff_api.request_state import ApiRequest, RequestState
from handoff_ledger import Batch, Call, Task

T = TypeVar("T", Task, Batch)
MIN_INTERVAL_SECONDS = 0.2  # between two events of a stream
RECONNECT_MS = 2000  # the delay after which a client reconnects
END_ALREADY_SENT: dict[int | str, dict[str, Any]] = {
    204: {"description": "`Last-Event-ID` names the `end` event: no event follows."}
}
DESCRIPTION = (
    "Server-sent events with the state after every change, at most five per second. The last event has the name `end`."
)


async def events(
    state: RequestState, id: str, call: Call[T], name: str, view: Callable[[T], BaseModel], ended: Callable[[T], bool]
) -> AsyncIterator[ServerSentEvent]:
    """Yield an event with the name `name` for each change of the record that `call` reads, and `end` at its end."""
    ledger, number = state["ledger"], 0

    async def read() -> T:
        return await ledger.run(call)

    async for record in state["watcher"].follow(id, read, ended, MIN_INTERVAL_SECONDS):
        number += 1
        event, key = ("end", end_event_id(record)) if ended(record) else (name, str(number))
        yield ServerSentEvent(raw_data=view(record).model_dump_json(), event=event, id=key, retry=RECONNECT_MS)


class EndAlreadySent(Exception):
    """The client already received the last event of this stream."""


def check_last_event_id(request: ApiRequest, record: Task | Batch) -> None:
    """Raise `EndAlreadySent` when the client's `Last-Event-ID` names the end of this record."""
    if record.finished_at and request.state["headers"].get(b"last-event-id") == end_event_id(record).encode():
        raise EndAlreadySent


def end_event_id(record: Task | Batch) -> str:
    """Return the id of the last event. A record that ends again after a redrive gets another id."""
    return f"end-{record.finished_at:%Y%m%dT%H%M%S.%f}"


async def no_content(_: Request, __: Exception) -> Response:
    return Response(status_code=204)
