"""The id of the running task, which external systems can use to detect a repeated request."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_task_id: ContextVar[str] = ContextVar("task_id")


def current_task_id() -> str:
    """Returns the running task's id; for an item of a batch, followed by its place. Every attempt has the same id.

    Raises:
        LookupError: no task runs in this context.
    """
    return _task_id.get()


def set_task_id(task_id: str) -> None:
    """Sets the id for the rest of this context."""
    _task_id.set(task_id)


@contextmanager
def bound_task_id(task_id: str) -> Iterator[None]:
    """Sets the id for the duration of the block."""
    token = _task_id.set(task_id)
    try:
        yield
    finally:
        _task_id.reset(token)
