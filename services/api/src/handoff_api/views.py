"""What clients read of tasks and batches."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from handoff_ledger import Batch, Task

T = TypeVar("T")


class TaskLinks(BaseModel):
    self: str
    events: str
    batch: str | None = None

    @classmethod
    def to(cls, id: str, batch: str | None = None) -> "TaskLinks":
        at = f"/v1/tasks/{id}"
        return cls(self=at, events=f"{at}/events", batch=f"/v1/batches/{batch}" if batch else None)


class BatchLinks(BaseModel):
    self: str
    events: str
    items: str


class TaskView(Task):
    """A task as it is now, without its payload."""

    links: TaskLinks

    @classmethod
    def of(cls, task: Task) -> "TaskView":
        return cls(**vars(task), links=TaskLinks.to(task.id, task.batch))


class BatchView(Batch):
    """A batch as it is now: how many of its items are in each state."""

    links: BatchLinks

    @classmethod
    def of(cls, batch: Batch) -> "BatchView":
        at = f"/v1/batches/{batch.id}"
        links = BatchLinks(self=at, events=f"{at}/events", items=f"{at}/items")
        return cls(**vars(batch), links=links)


class Page(BaseModel, Generic[T]):
    """A page of a list. `cursor` asks for the next one, null when this is the last."""

    items: list[T]
    cursor: str | None = None


class ContractView(BaseModel):
    """A contract: what can be asked for, and how."""

    name: str
    version: int
    summary: str
    queue: str
    policy: dict[str, int | float | str]
    payload: dict[str, Any] = Field(description="JSON schema of the payload")
    result: dict[str, Any] = Field(description="JSON schema of the result")


class Sent(BaseModel):
    """The answer to the tutorial's call."""

    message: str = "Notification sent"
    id: str


class ProblemView(BaseModel):
    """RFC 9457 problem document."""

    class FaultView(BaseModel):
        path: str
        message: str

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FaultView]
