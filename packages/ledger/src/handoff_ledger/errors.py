"""What can go wrong between a caller and the ledger.

LedgerError
├── LedgerUnavailable     Redis is away, too slow, loading or full
│   └── LedgerMisconfigured   Redis can't serve until somebody changes a setting
├── QueueFull             a queue has reached its bound
├── IdempotencyConflict   a key was used before, for something else
├── UnknownTask           no task or batch has this id
├── NotRedrivable         a task is neither dead nor failed
└── Stale                 this attempt no longer holds the task
"""


class LedgerError(Exception):
    """Base of all that the ledger raises."""


class LedgerUnavailable(LedgerError):
    """Redis did not take the call in time. `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LedgerMisconfigured(LedgerUnavailable):
    """Redis refuses the call for a reason that waiting does not cure. `reason` says what to change."""


class QueueFull(LedgerError):
    """The queue has as many tasks waiting as it may have."""

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
    """Only dead and failed tasks can be queued again. `state`: what the task is."""

    def __init__(self, state: str) -> None:
        super().__init__(f"The task is {state}.")
        self.state = state


class Stale(LedgerError):
    """The lease was lost: another attempt has the task, or it has ended."""


class TaskError(Exception):
    """What a stock `AsyncResult.get()` raises for a task that did not succeed; its text is the error's code."""
