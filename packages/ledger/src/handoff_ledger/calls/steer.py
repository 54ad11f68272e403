"""What clients and operators do to work that is there. `by` names them; each action is recorded."""

from dataclasses import dataclass, field
from typing import Any

from handoff_ledger.calls.base import Call, Limits, fields_of
from handoff_ledger.errors import NotRedrivable, UnknownTask
from handoff_ledger.records import Action, State

LOOK = 500  # dead letters that one step of a redrive looks at
FOREVER_MS = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """Which ended tasks to queue again; '' for any contract or error code. Times in ms since the epoch."""

    state: State = State.DEAD
    contract: str = ""
    code: str = ""
    ended_from_ms: int = 0
    ended_until_ms: int = field(default=FOREVER_MS)


def cancel(id: str, limits: Limits, by: str = "") -> Call[State]:
    """Cancels what waits, asks what runs to stop. Gives the state it has now. Raises `UnknownTask`."""
    return Call("cancel", [id, by, limits.retention_ms], _known)


def cancel_batch(id: str, limits: Limits, by: str = "") -> Call[int]:
    """Cancels every open pack. Gives how many there were. Raises `UnknownTask`."""

    def parse(reply: int) -> int:
        if reply < 0:
            raise UnknownTask(id)
        return reply

    return Call("cancel_batch", [id, by, limits.retention_ms], parse)


def redrive(id: str, limits: Limits, by: str) -> Call[None]:
    """Queues a dead or failed task again. Raises `UnknownTask` or `NotRedrivable`."""

    def parse(reply: str) -> None:
        if reply != "redriven":
            raise NotRedrivable(_known(reply))

    return Call("redrive", [id, by, limits.retention_ms], parse)


def redrive_all(letters: DeadLetters, limits: Limits, by: str, cursor: str = "") -> Call[tuple[int, str]]:
    """Queues dead letters again, a step at a time. Gives how many, and the cursor of the next step ('' for none)."""
    which = (letters.state, letters.contract, letters.code, letters.ended_from_ms, letters.ended_until_ms)
    return Call("redrive_all", [by, limits.retention_ms, *which, cursor, LOOK], tuple)


def actions(limit: int, cursor: str = "") -> Call[tuple[list[Action], str]]:
    """A page of what was done, newest first, and the cursor of the next page ('' for none)."""

    def parse(entries: list[Any]) -> tuple[list[Action], str]:
        page = [Action.from_fields(id, fields_of(flat)) for id, flat in entries]
        return page, page[-1].id if len(page) == limit else ""

    return Call("actions", [limit, cursor], parse)


def _known(reply: str) -> State:
    if reply == "unknown":
        raise UnknownTask
    return State(reply)
