"""The one model of what the ledger holds: `Task`, `Batch`, `Item`, `QueueState`. Times are aware, in UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class State(StrEnum):
    """Where a task is in its life."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    PARKED = "parked"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DEAD = "dead"

    @property
    def ended(self) -> bool:
        return self not in OPEN


OPEN = frozenset({State.SCHEDULED, State.QUEUED, State.RUNNING, State.PARKED})


class Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Failure(Record):
    """Why a task or an item did not succeed: a stable code, and a sentence without anything from the payload."""

    code: str
    message: str


class Progress(Record):
    """How many items of a pack have an outcome."""

    done: int
    total: int


class Task(Record):
    """A task's record, without its payload."""

    id: str
    contract: str
    version: int
    state: State
    queue: str
    priority: str | None = None
    batch: str | None = None
    attempt: int
    max_attempts: int
    created_at: datetime
    due_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    cancel_requested: bool = False
    progress: Progress | None = None
    result: Any = None
    error: Failure | None = None

    @classmethod
    def from_fields(cls, id: str, fields: Mapping[str, str], outcome: Mapping[str, Any]) -> "Task":
        items = fields.get("items")
        return cls(
            id=id,
            contract=fields["contract"],
            version=int(fields["version"]),
            state=State(fields["state"]),
            queue=fields["queue"],
            priority=fields.get("priority"),
            batch=fields.get("batch"),
            attempt=int(fields.get("attempt", 0)),
            max_attempts=int(fields["attempts"]),
            created_at=instant(fields["created"]),
            due_at=_maybe(fields.get("due")),
            started_at=_maybe(fields.get("started")),
            finished_at=_maybe(fields.get("finished")),
            expires_at=_maybe(fields.get("expires")),
            cancel_requested="cancel" in fields,
            progress=Progress(done=int(fields.get("done", 0)), total=int(items)) if items else None,
            result=outcome.get("result"),
            error=Failure(**outcome["error"]) if "error" in outcome else None,
        )


class Batch(Record):
    """A batch: how many of its items are in each state."""

    id: str
    contract: str
    version: int
    state: str  # open, or ended when every item has
    queue: str
    priority: str | None = None
    total: int
    counts: dict[State, int]
    created_at: datetime
    finished_at: datetime | None = None

    @classmethod
    def from_fields(cls, id: str, fields: Mapping[str, str]) -> "Batch":
        return cls(
            id=id,
            contract=fields["contract"],
            version=int(fields["version"]),
            state="ended" if "finished" in fields else "open",
            queue=fields["queue"],
            priority=fields["priority"] or None,
            total=int(fields["total"]),
            counts={state: int(fields.get(state, 0)) for state in State},
            created_at=instant(fields["created"]),
            finished_at=_maybe(fields.get("finished")),
        )


class Item(Record):
    """An item of a batch, by its index in the request, with what was asked and what became of it."""

    index: int
    state: State
    item: Any
    result: Any = None
    error: Failure | None = None


class Action(Record):
    """What a client or an operator did: cancel or redrive."""

    id: str
    at: datetime
    by: str
    action: str
    about: str  # a task's or batch's id, or the filter
    tasks: int

    @classmethod
    def from_fields(cls, id: str, fields: Mapping[str, str]) -> "Action":
        return cls(
            id=id,
            at=instant(id.partition("-")[0]),
            by=fields["by"],
            action=fields["action"],
            about=fields["about"],
            tasks=int(fields["tasks"]),
        )


class GoneRecipient(Record):
    """A recipient that a provider says is no more."""

    at: datetime
    channel: str  # the provider and the credential it was asked under, provider:app
    recipient: str
    task: str

    @classmethod
    def from_fields(cls, id: str, fields: Mapping[str, str]) -> "GoneRecipient":
        return cls(at=instant(id.partition("-")[0]), **fields)


class QueueState(Record):
    """A queue as it is now."""

    name: str
    depth: int  # tasks that wait; a pack counts as one
    oldest_seconds: float  # how long the oldest of them has waited, seconds
    served: bool  # whether a live worker takes tasks from it
    overdue: int  # tasks that are due, or whose lease has ended, and not in it yet; 2,000 at most are looked at


def instant(milliseconds: str | int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _maybe(milliseconds: str | None) -> datetime | None:
    return instant(milliseconds) if milliseconds else None
