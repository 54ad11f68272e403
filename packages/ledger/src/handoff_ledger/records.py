"""The records that the ledger returns and the API shows. Times are in UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class State(StrEnum):
    """The state of a task or an item."""

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
        """Whether nothing changes this state any more, except a redrive."""
        return self not in OPEN


OPEN = frozenset({State.SCHEDULED, State.QUEUED, State.RUNNING, State.PARKED})


class Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Failure(Record):
    """Why a task or an item did not succeed."""

    code: str = Field(description="Stable name of the error.")
    message: str = Field(description="A sentence that quotes nothing from the payload.")


class Progress(Record):
    """How many items of a pack have an outcome."""

    done: int = Field(description="Items that have an outcome.")
    total: int = Field(description="All items of the pack.")


class Task(Record):
    """A task's record, without its payload."""

    id: str = Field(description="26 characters that sort by time of creation; a pack of a batch adds its number.")
    contract: str = Field(description="Name of the contract, for example `push.send`.")
    version: int = Field(description="Version of the contract.")
    state: State = Field(description="Current state.")
    queue: str = Field(description="Queue in which the task waits.")
    priority: str | None = Field(default=None, description="Priority that the client asked for.")
    batch: str | None = Field(default=None, description="Id of the batch that the task is a part of.")
    attempt: int = Field(description="Number of the current or last attempt; 0 before the first one.")
    max_attempts: int = Field(description="Number of attempts after which the task is dead.")
    created_at: datetime = Field(description="When the ledger accepted the task.")
    due_at: datetime | None = Field(default=None, description="When a scheduled task is queued.")
    started_at: datetime | None = Field(default=None, description="When the first attempt started.")
    finished_at: datetime | None = Field(default=None, description="When the task ended.")
    expires_at: datetime | None = Field(default=None, description="When a task that still waits expires.")
    cancel_requested: bool = Field(default=False, description="Whether a running task was asked to stop.")
    progress: Progress | None = Field(default=None, description="Progress of a task that is a part of a batch.")
    result: Any = Field(default=None, description="The handler's result, once the task succeeded.")
    error: Failure | None = Field(default=None, description="Error of the last attempt, when it did not succeed.")

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
            due_at=_optional_instant(fields.get("due")),
            started_at=_optional_instant(fields.get("started")),
            finished_at=_optional_instant(fields.get("finished")),
            expires_at=_optional_instant(fields.get("expires")),
            cancel_requested="cancel" in fields,
            progress=Progress(done=int(fields.get("done", 0)), total=int(items)) if items else None,
            result=outcome.get("result"),
            error=Failure(**outcome["error"]) if "error" in outcome else None,
        )


class Batch(Record):
    """A batch, with the number of its items in each state."""

    id: str = Field(description="26 characters that sort by time of creation.")
    contract: str = Field(description="Name of the contract that all items have.")
    version: int = Field(description="Version of the contract.")
    state: str = Field(description="`open`, or `ended` when every item has ended.")
    queue: str = Field(description="Queue in which the items wait.")
    priority: str | None = Field(default=None, description="Priority that the client asked for.")
    total: int = Field(description="Number of items.")
    counts: dict[State, int] = Field(description="Number of items in each state.")
    created_at: datetime = Field(description="When the ledger accepted the batch.")
    finished_at: datetime | None = Field(default=None, description="When the last item ended.")

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
            finished_at=_optional_instant(fields.get("finished")),
        )


class Item(Record):
    """An item of a batch, with its payload and its outcome."""

    index: int = Field(description="Position in the request, from 0.")
    state: State = Field(description="Current state.")
    item: Any = Field(description="The payload, without the fields that all items share.")
    result: Any = Field(default=None, description="The handler's result, once the item succeeded.")
    error: Failure | None = Field(default=None, description="Error, when the item did not succeed.")


class Action(Record):
    """A cancellation or a redrive by a client or an operator."""

    id: str = Field(description="Id of the action, which sorts by time.")
    at: datetime = Field(description="When it happened.")
    by: str = Field(description="Name of the client or the operator.")
    action: str = Field(description="`cancel` or `redrive`.")
    about: str = Field(description="Id of the task or the batch, or the filter that selected tasks.")
    tasks: int = Field(description="Number of tasks that the action changed.")

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
    """A recipient that a provider reports as gone."""

    at: datetime = Field(description="When a worker recorded the report.")
    channel: str = Field(description="Provider and credential, as `provider:app`.")
    recipient: str = Field(description="The recipient, as the payload names it.")
    task: str = Field(description="Id of the task that was for this recipient.")

    @classmethod
    def from_fields(cls, id: str, fields: Mapping[str, str]) -> "GoneRecipient":
        return cls(at=instant(id.partition("-")[0]), **fields)


class QueueState(Record):
    """The current state of a queue."""

    name: str = Field(description="Name of the queue.")
    depth: int = Field(description="Tasks that wait. Items of a batch wait in groups, which count as one task each.")
    oldest_seconds: float = Field(description="How long the oldest waiting task has waited, in seconds.")
    served: bool = Field(description="Whether a live worker takes tasks from the queue.")
    overdue: int = Field(description="Late tasks that wait for the reconciler; 500 at most are counted.")


def instant(milliseconds: str | int) -> datetime:
    """Returns the time for milliseconds since the epoch."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _optional_instant(milliseconds: str | None) -> datetime | None:
    return instant(milliseconds) if milliseconds else None
