"""Errors of the ledger.

LedgerError
├── LedgerUnavailable     Redis is away, too slow, loading or full
│   └── LedgerMisconfigured   Redis can't serve until an operator changes a setting
├── QueueFull             a queue has reached its bound
├── IdempotencyConflict   a key was used before, for another request
├── UnknownTask           no task or batch has this id
├── NotRedrivable         a task is neither dead nor failed
└── Stale                 this attempt has lost its lease
"""


class LedgerError(Exception):
    """Base of the ledger's errors."""


class LedgerUnavailable(LedgerError):
    """Redis did not execute the call in time. `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LedgerMisconfigured(LedgerUnavailable):
    """Redis refuses the call for a reason that waiting does not cure. `reason` says what to change."""


class QueueFull(LedgerError):
    """The queue has reached its limit of waiting tasks."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"The queue {queue!r} is full.")
        self.queue = queue


class IdempotencyConflict(LedgerError):
    """The idempotency key stands for another request."""

    def __init__(self, known: str) -> None:
        super().__init__(f"The key was used for another request, which became {known}.")
        self.known = known


class UnknownTask(LedgerError):
    """No task or batch has this id, or its record has expired."""


class NotRedrivable(LedgerError):
    """The task is neither dead nor failed. `state` is its state."""

    def __init__(self, state: str) -> None:
        super().__init__(f"The task is {state}.")
        self.state = state


class Stale(LedgerError):
    """The attempt has lost its lease: another attempt runs the task, or the task has ended."""


class TaskError(Exception):
    """Raised by a stock `AsyncResult.get()` for a task that did not succeed. The text is the error's code."""
