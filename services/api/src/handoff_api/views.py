"""The models of the API's answers."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from handoff_ledger import Batch, Task

T = TypeVar("T")


class TaskLinks(BaseModel):
    """The paths that belong to a task."""

    self: str = Field(description="The path of the task.")
    events: str = Field(description="The path of the task's event stream.")
    batch: str | None = Field(default=None, description="The path of the batch that the task belongs to.")

    @classmethod
    def to(cls, id: str, batch: str | None = None) -> "TaskLinks":
        path = f"/v1/tasks/{id}"
        return cls(self=path, events=f"{path}/events", batch=f"/v1/batches/{batch}" if batch else None)


class BatchLinks(BaseModel):
    """The paths that belong to a batch."""

    self: str = Field(description="The path of the batch.")
    events: str = Field(description="The path of the batch's event stream.")
    items: str = Field(description="The path of the batch's items.")


class TaskView(Task):
    """The current state of a task, without its payload."""

    links: TaskLinks = Field(description="The paths that belong to the task.")

    @classmethod
    def of(cls, task: Task) -> "TaskView":
        return cls(**vars(task), links=TaskLinks.to(task.id, task.batch))


class BatchView(Batch):
    """The current state of a batch, with the number of its items in each state."""

    links: BatchLinks = Field(description="The paths that belong to the batch.")

    @classmethod
    def of(cls, batch: Batch) -> "BatchView":
        path = f"/v1/batches/{batch.id}"
        links = BatchLinks(self=path, events=f"{path}/events", items=f"{path}/items")
        return cls(**vars(batch), links=links)


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T] = Field(description="The entries of this page.")
    cursor: str | None = Field(
        default=None, description="The `cursor` parameter that requests the next page; null on the last page."
    )


class ContractView(BaseModel):
    """A contract: the kind of task that clients can submit."""

    name: str = Field(description="The name, which is part of the path: `POST /v1/tasks/{name}`.")
    version: int = Field(description="The version of the payload and result models.")
    summary: str = Field(description="One sentence about what the task does.")
    queue: str = Field(description="The queue in which tasks wait when the request names no priority.")
    policy: dict[str, int | float | str] = Field(description="Attempts, back-off and time limits.")
    payload: dict[str, Any] = Field(description="The JSON schema of the payload.")
    result: dict[str, Any] = Field(description="The JSON schema of the result.")


class PushAccepted(BaseModel):
    """The answer to the tutorial's call."""

    message: str = Field(default="Notification sent", description="The text that the tutorial shows.")
    id: str = Field(description="The id of the task that sends the notification.")


class FieldErrorView(BaseModel):
    """The fault of one field."""

    path: str = Field(description="The field's path, like `items[3].token`, `query.delay` or `header.Idempotency-Key`.")
    message: str = Field(description="A sentence that names the fault.")


class ProblemView(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="A URN that contains the code.")
    title: str = Field(description="A sentence about this type of problem.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="A sentence about this occurrence.")
    code: str = Field(description="A stable code that programs can compare.")
    errors: list[FieldErrorView] = Field(description="The wrong fields, at most 100.")
