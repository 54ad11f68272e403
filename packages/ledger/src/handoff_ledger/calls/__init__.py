"""Every step of a task's life as a `Call`: a script, its arguments and a parser of the reply.

Calls do no I/O. `SyncLedger` and `AsyncLedger` run them.
"""

from handoff_ledger.calls.accept import Receipt, Submission, accept, accept_batch, stage_packs
from handoff_ledger.calls.admin import Cancelled, RedriveFilter, actions, cancel, cancel_batch, redrive, redrive_all
from handoff_ledger.calls.attempts import (
    Claim,
    ClaimRefused,
    claim,
    fail,
    finish,
    finish_and_claim,
    give_back,
    park,
    record,
    release,
    renew,
    retry,
)
from handoff_ledger.calls.base import Call, Limits
from handoff_ledger.calls.channels import Admitted, ChannelHold, admit, hold, holds, list_gone, note_gone
from handoff_ledger.calls.queries import list_tasks, queues, read, read_batch
from handoff_ledger.calls.reconcile import announce, sweep

__all__ = [
    "Admitted",
    "Call",
    "Cancelled",
    "ChannelHold",
    "Claim",
    "ClaimRefused",
    "Limits",
    "Receipt",
    "RedriveFilter",
    "Submission",
    "accept",
    "accept_batch",
    "actions",
    "admit",
    "announce",
    "cancel",
    "cancel_batch",
    "claim",
    "fail",
    "finish",
    "finish_and_claim",
    "give_back",
    "hold",
    "holds",
    "list_gone",
    "list_tasks",
    "note_gone",
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
    "stage_packs",
    "sweep",
]
