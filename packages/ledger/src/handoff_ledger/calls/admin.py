"""Calls of clients and operators on accepted tasks. `by` names them, and the ledger logs each action."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT, Call, Limits, fields_of
from handoff_ledger.errors import NotRedrivable, UnknownTask
from handoff_ledger.records import Action, State

PACKS = 100  # packs that one call cancels
FOREVER_MS = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveFilter:
    """Which ended tasks to queue again; '' for any contract or error code. Times in ms since the epoch."""

    state: State = State.DEAD
    contract: str = ""
    code: str = ""
    ended_from_ms: int = 0
    ended_until_ms: int = field(default=FOREVER_MS)


def cancel(id: str, limits: Limits, by: str = "") -> Call[State]:
    """Cancels a waiting task or asks a running one to stop. Returns its state. Raises `UnknownTask`."""
    return Call("cancel", [id, by, limits.retention_ms], _known)


class Cancelled(NamedTuple):
    """`packs` were cancelled or asked to stop. `more`: the reconciler continues with the rest."""

    packs: int
    more: bool


def cancel_batch(id: str, limits: Limits, by: str = "", most: int = PACKS) -> Call[Cancelled]:
    """Cancels the open packs of a batch, `most` of them at once. Raises `UnknownTask`."""

    def parse(reply: list[int] | None) -> Cancelled:
        if not reply:
            raise UnknownTask(id)
        packs, more = reply
        return Cancelled(packs, bool(more))

    return Call("cancel_batch", [id, by, limits.retention_ms, most], parse)


def redrive(id: str, limits: Limits, by: str) -> Call[None]:
    """Queues a dead or failed task again. Raises `UnknownTask` or `NotRedrivable`."""

    def parse(reply: str) -> None:
        if reply != "redriven":
            raise NotRedrivable(_known(reply))

    return Call("redrive", [id, by, limits.retention_ms], parse)


def redrive_all(filter: RedriveFilter, limits: Limits, by: str, cursor: str = "") -> Call[tuple[int, str]]:
    """Queues a page of dead letters again. Returns their number, and the cursor of the next page ('' for none)."""
    which = (filter.state, filter.contract, filter.code, filter.ended_from_ms, filter.ended_until_ms)
    return Call("redrive_all", [by, limits.retention_ms, *which, cursor, MAX_RECORDS_PER_SCRIPT], tuple)


def actions(limit: int, cursor: str = "") -> Call[tuple[list[Action], str]]:
    """Reads a page of logged actions, newest first, and the cursor of the next page ('' for none)."""
    limit = min(limit, MAX_RECORDS_PER_SCRIPT)

    def parse(entries: list[Any]) -> tuple[list[Action], str]:
        page = [Action.from_fields(id, fields_of(flat)) for id, flat in entries]
        return page, page[-1].id if len(page) == limit else ""

    return Call("actions", [limit, cursor], parse)


def _known(reply: str) -> State:
    if reply == "unknown":
        raise UnknownTask
    return State(reply)
