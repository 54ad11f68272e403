"""Calls of an attempt at a task, from its claim to its outcome."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from handoff_contracts.catalogue import AnyContract
from handoff_ledger.calls.base import Arg, Call, Limits
from handoff_ledger.errors import Stale
from handoff_ledger.records import Failure, State


@dataclass(frozen=True, slots=True)
class Claim:
    """A task claimed for one attempt. `payload` and `common` are JSON; `outcomes` are the recorded ones of items."""

    id: str
    fence: int
    attempt: int
    max_attempts: int
    payload: str
    common: str
    outcomes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClaimRefused:
    """The task must not run. `why` is its state, or unknown."""

    why: str


def claim(id: str, owner: str, contract: AnyContract, limits: Limits) -> Call[Claim | ClaimRefused]:
    """Takes a queued task for one attempt under a lease that `owner` renews."""

    def parse(reply: list[Any]) -> Claim | ClaimRefused:
        return ClaimRefused(reply[1]) if reply[0] == "refused" else Claim(*reply[1:])

    lease = int(contract.policy.lease * 1000)
    return Call("claim", [id, owner, contract.version, lease, limits.retention_ms], parse)


def renew(owner: str, ids: Iterable[str]) -> Call[list[str]]:
    """Renews the leases of tasks that `owner` runs. Returns the ids of tasks that are to stop."""
    return Call("renew", [owner, *ids], list)


def record(claim: Claim, outcomes: Sequence[tuple[int, State, bytes]]) -> Call[bool]:
    """Records outcomes of a pack's items: index, state, and result or error as JSON.

    Returns False when a client has cancelled the pack, so that the worker stops.

    Raises:
        Stale: the attempt has lost its lease.
    """
    tally: dict[State, int] = {}
    for _, state, _ in outcomes:
        tally[state] = tally.get(state, 0) + 1
    counts: list[Arg] = [arg for entry in tally.items() for arg in entry]
    written = b",".join(b'[%d,"%b",%b]' % (at, state.encode(), outcome) for at, state, outcome in outcomes)
    args: list[Arg] = [claim.id, claim.fence, len(outcomes), b"[%b]" % written, *counts]

    def parse(reply: str) -> bool:
        return _held(reply) == "go"

    return Call("record", args, parse)


def finish(claim: Claim, result: bytes, limits: Limits) -> Call[State]:
    """Ends a task as succeeded. `result` is JSON. Raises `Stale`."""
    outcome = b'{"result":' + result + b"}"
    return Call("finish", [claim.id, claim.fence, State.SUCCEEDED, outcome, "", limits.retention_ms], _state)


def finish_and_claim(claim: Claim, result: bytes, limits: Limits, queues: Sequence[str]) -> Call[State | Claim]:
    """Ends a task as succeeded and takes the next one, if it is of the same queue, contract and version.

    A message in a queue that precedes it in `queues` prevents the claim. Returns the claim, or the state of the ended
    task. Raises `Stale`.
    """
    ending = finish(claim, result, limits)

    def parse(reply: str | list[Any]) -> State | Claim:
        return Claim(*reply[1:]) if isinstance(reply, list) else ending.parse(reply)

    return Call(ending.script, [*ending.args, *queues], parse)


def fail(claim: Claim, fault: Failure, limits: Limits, state: State = State.FAILED) -> Call[State]:
    """Ends a task without another attempt. Raises `Stale`."""
    return Call("finish", [claim.id, claim.fence, state, _error(fault), fault.code, limits.retention_ms], _state)


def retry(claim: Claim, after: float, fault: Failure, limits: Limits) -> Call[State]:
    """Schedules the next attempt in `after` seconds, or ends a task without attempts left. Raises `Stale`."""
    args: list[Arg] = [claim.id, claim.fence, int(after * 1000), _error(fault), fault.code, limits.retention_ms]
    return Call("retry", args, _state)


def give_back(claim: Claim, after: float = 0.0) -> Call[State]:
    """Queues a task again, now or in `after` seconds, without counting the attempt. Raises `Stale`."""
    return Call("give_back", [claim.id, claim.fence, int(after * 1000)], _state)


def release(id: str, owner: str, limits: Limits) -> Call[str]:
    """Ends the lease of a task that `owner` ran in a lost process. Returns the task's state, or stale."""
    return Call("release", [id, owner, limits.retention_ms], str)


def park(id: str) -> Call[str]:
    """Sets a task aside until a live worker serves its contract version."""
    return Call("park", [id], str)


def _error(fault: Failure) -> bytes:
    return to_json({"error": fault})


def _held(reply: str) -> str:
    if reply == "stale":
        raise Stale
    return reply


def _state(reply: str) -> State:
    return State(_held(reply))
