"""What clients and operators do to work that is there."""

from handoff_ledger.calls.base import Call, Limits
from handoff_ledger.errors import UnknownTask
from handoff_ledger.records import State


def cancel(id: str, limits: Limits) -> Call[State]:
    """Cancels what waits, asks what runs to stop. Gives the state it has now. Raises `UnknownTask`."""
    return Call("cancel", [id, limits.retention_ms], _known)


def cancel_batch(id: str, limits: Limits) -> Call[int]:
    """Cancels every open pack. Gives how many there were. Raises `UnknownTask`."""

    def parse(reply: int) -> int:
        if reply < 0:
            raise UnknownTask(id)
        return reply

    return Call("cancel_batch", [id, limits.retention_ms], parse)


def _known(reply: str) -> State:
    if reply == "unknown":
        raise UnknownTask
    return State(reply)
