"""Calls of the reconciler, which repairs what a lost process left behind, and of workers that announce themselves."""

from collections.abc import Iterable
from typing import Any

from handoff_contracts import QUEUES
from handoff_contracts.catalogue import AnyContract
from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT, Arg, Call, Limits

RENEW_SECONDS = 2.0  # between two renewals by a worker
LEADERSHIP_MS = 2_000  # another reconciler replaces a silent leader after this time
SWEEP_GAP_MS = 3_000  # a longer time between sweeps means that Redis or every reconciler was away
LEASE_GRACE_MS = 6_000  # after such a gap, leases stay for so long, so that workers can renew them
UNCLAIMED_GRACE_MS = 3_000  # a worker claims a popped message within this time, or has died


def sweep(owner: str, limits: Limits) -> Call[dict[str, int]]:
    """Repairs what lost processes left behind, while `owner` leads or can take the lead.

    The value has the number of records for each step that did something; sweep.lua lists the steps. It is empty when
    another owner leads.
    """

    def parse(reply: list[Any] | None) -> dict[str, int]:
        return dict(zip(reply[::2], reply[1::2], strict=True)) if reply else {}

    args: list[Arg] = [
        owner,
        LEADERSHIP_MS,
        SWEEP_GAP_MS,
        LEASE_GRACE_MS,
        UNCLAIMED_GRACE_MS,
        MAX_RECORDS_PER_SCRIPT,
        limits.retention_ms,
        *QUEUES,
    ]
    return Call("sweep", args, parse)


def announce(
    owner: str, lifetime_seconds: float, contracts: Iterable[AnyContract], queues: Iterable[str]
) -> Call[None]:
    """Records for `lifetime_seconds` what a live worker serves."""
    versions = [f"{contract.name}:{contract.version}" for contract in contracts]
    return Call("announce", [owner, int(lifetime_seconds * 1000), *versions, "", *queues], lambda _: None)
