"""A task's life in Redis, each step one atomic script. `calls` has the steps; two clients run them."""

from handoff_ledger.async_client import AsyncLedger
from handoff_ledger.calls import Call, Claim, ClaimRefused, Limits, Receipt, Submission
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
from handoff_ledger.records import Batch, Failure, Item, Progress, QueueState, State, Task
from handoff_ledger.sync_client import SyncLedger

__all__ = [
    "AsyncLedger",
    "Batch",
    "Call",
    "Claim",
    "ClaimRefused",
    "Failure",
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
    "Stale",
    "State",
    "Submission",
    "SyncLedger",
    "Task",
    "TaskError",
    "UnknownTask",
]
