"""Every step of a task's life as a `Call`: a script, its arguments and what to make of the reply.

Nothing here touches the network: `BlockingLedger` and `AsyncLedger` run the same calls.
"""

from handoff_ledger.calls.attempt import (
    Claim,
    Refused,
    claim,
    fail,
    finish,
    give_back,
    park,
    record,
    release,
    renew,
    retry,
)
from handoff_ledger.calls.base import Call, Limits
from handoff_ledger.calls.look import list_tasks, queues, read, read_batch
from handoff_ledger.calls.reconcile import announce, sweep
from handoff_ledger.calls.steer import DeadLetters, actions, cancel, cancel_batch, redrive, redrive_all
from handoff_ledger.calls.submit import Receipt, Submission, accept, accept_batch

__all__ = [
    "Call",
    "Claim",
    "DeadLetters",
    "Limits",
    "Receipt",
    "Refused",
    "Submission",
    "accept",
    "accept_batch",
    "actions",
    "announce",
    "cancel",
    "cancel_batch",
    "claim",
    "fail",
    "finish",
    "give_back",
    "list_tasks",
    "park",
    "queues",
    "read",
    "read_batch",
    "record",
    "redrive",
    "redrive_all",
    "release",
    "renew",
    "retry",
    "sweep",
]
