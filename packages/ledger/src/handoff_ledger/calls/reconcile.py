"""What workers say of themselves, and the reconciler's beat: what no process takes care of any more is put right."""

from collections.abc import Iterable
from typing import Any

from handoff_contracts import QUEUES
from handoff_contracts.catalogue import AnyContract
from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT, Arg, Call, Limits

RENEW_SECONDS = 2.0  # seconds between two renewals by a worker
LEADS_MS = 2_000  # a leader that is gone is replaced after this
GAP_MS = 3_000  # sweeps further apart mean that Redis or every reconciler was away ...
LEASE_GRACE_MS = 6_000  # ... so leases are left for so long, to be renewed first
GRACE_MS = 3_000  # a popped message is claimed within this, or its worker is gone
STEPS = (
    "due",
    "lease_expired",
    "republished",
    "expired",
    "released",
    "trimmed",
    "stepped",
    "discarded",
    "broken",
    "more",
)


def sweep(owner: str, limits: Limits) -> Call[dict[str, int]]:
    """Sweeps if `owner` leads or can lead. Gives the number of records by step; empty for nothing.

    `broken` counts records that no step could move. `more` is 1 when another sweep has work at once.
    """

    def parse(reply: list[int] | Any) -> dict[str, int]:
        return {step: count for step, count in zip(STEPS, reply, strict=True) if count} if reply else {}

    args: list[Arg] = [
        owner,
        LEADS_MS,
        GAP_MS,
        LEASE_GRACE_MS,
        GRACE_MS,
        MAX_RECORDS_PER_SCRIPT,
        limits.retention_ms,
        *QUEUES,
    ]
    return Call("sweep", args, parse)


def announce(owner: str, life: float, contracts: Iterable[AnyContract], queues: Iterable[str]) -> Call[None]:
    """Says for `life` seconds what a live worker serves."""
    known = [f"{contract.name}:{contract.version}" for contract in contracts]
    return Call("announce", [owner, int(life * 1000), *known, "", *queues], lambda _: None)
