"""Calls that read tasks, batches and queues."""

from typing import Any

from pydantic_core import from_json

from handoff_contracts import QUEUES
from handoff_ledger.calls.base import Call, fields_of
from handoff_ledger.errors import UnknownTask
from handoff_ledger.records import Batch, QueueState, State, Task


def read(id: str) -> Call[Task]:
    """Reads a task. Raises `UnknownTask`."""

    def parse(reply: list[Any] | None) -> Task:
        if not reply:
            raise UnknownTask(id)
        return task_of(id, *reply)

    return Call("read", [id], parse)


def read_batch(id: str) -> Call[Batch]:
    """Reads a batch. Raises `UnknownTask`."""

    def parse(reply: list[str]) -> Batch:
        if not reply:
            raise UnknownTask(id)
        return Batch.from_fields(id, fields_of(reply))

    return Call("read_batch", [id], parse)


def list_tasks(
    limit: int, state: State | None = None, contract: str = "", batch: str = "", cursor: str = ""
) -> Call[tuple[list[Task], str]]:
    """Reads a page of tasks, newest first in each state, and the cursor of the next page ('' for none)."""

    def parse(reply: list[Any]) -> tuple[list[Task], str]:
        following, *rows = reply
        return [task_of(*row) for row in rows], following

    return Call("list_tasks", [limit, state or "", contract, batch, cursor, *QUEUES], parse)


def queues() -> Call[list[QueueState]]:
    """Reads the state of every queue."""

    def parse(rows: list[Any]) -> list[QueueState]:
        return [
            QueueState(name=name, depth=depth, oldest_seconds=age / 1000, served=bool(served), overdue=overdue)
            for name, depth, age, served, overdue in rows
        ]

    return Call("queues", list(QUEUES), parse)


def task_of(id: str, record: list[str], outcome: str | None = None) -> Task:
    """Returns the task for a script's reply. `record` is a flat list, `outcome` is JSON."""
    return Task.from_fields(id, fields_of(record), from_json(outcome) if outcome else {})
