"""Server-sent events: a task's or a batch's view whenever it changes, the last one named `end`."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from fastapi.sse import ServerSentEvent
from pydantic import BaseModel

from handoff_api.state import State
from handoff_ledger import Call

T = TypeVar("T", bound=BaseModel)
PACE_S = 0.2  # between two events of a stream
AGAIN_MS = 2000  # after which a client that lost the stream comes back


async def events(
    state: State, id: str, call: Call[T], name: str, view: Callable[[T], BaseModel], ended: Callable[[T], bool]
) -> AsyncIterator[ServerSentEvent]:
    """The events of what `call` reads."""
    ledger, number = state["ledger"], 0

    async def read() -> T:
        return await ledger.run(call)

    async for now in state["watcher"].follow(id, read, ended, PACE_S):
        number += 1
        event = "end" if ended(now) else name
        yield ServerSentEvent(raw_data=view(now).model_dump_json(), event=event, id=str(number), retry=AGAIN_MS)
