"""A task's life in Redis, each step one atomic script. `calls` has the steps; two clients run them."""

from handoff_ledger.async_client import AsyncLedger
from handoff_ledger.calls import Call, Claim, Limits, Receipt, Refused, Submission
from handoff_ledger.errors import (
    IdempotencyConflict,
    LedgerError,
    LedgerMisconfigured,
    LedgerUnavailable,
    NotRedrivable,
    QueueFull,
    Stale,
    TaskError,
    UnknownTask,
)
from handoff_ledger.records import Batch, Fault, Item, Progress, QueueState, State, Task
from handoff_ledger.sync_client import BlockingLedger

__all__ = [
    "AsyncLedger",
    "Batch",
    "BlockingLedger",
    "Call",
    "Claim",
    "Fault",
    "IdempotencyConflict",
    "Item",
    "LedgerError",
    "LedgerMisconfigured",
    "LedgerUnavailable",
    "Limits",
    "NotRedrivable",
    "Progress",
    "QueueFull",
    "QueueState",
    "Receipt",
    "Refused",
    "Stale",
    "State",
    "Submission",
    "Task",
    "TaskError",
    "UnknownTask",
]
