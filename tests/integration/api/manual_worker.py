"""A worker that a test controls: it claims and finishes tasks when the test calls it."""

from typing import Any

from pydantic_core import to_json

from handoff_contracts import CATALOGUE
from handoff_ledger import Claim, Limits, State, SyncLedger, calls

LIMITS = Limits()


class ManualWorker:
    """Makes the calls that a worker makes."""

    def __init__(self, url: str) -> None:
        self.ledger = SyncLedger(url)

    def claim(self, id: str) -> Claim:
        """Claim a queued task, or the pack `<batch>.<number>`."""
        contract = CATALOGUE[self.ledger.run(calls.read(id)).contract]
        claim = self.ledger.run(calls.claim(id, "manual", contract, LIMITS))
        assert isinstance(claim, Claim)
        return claim

    def finish(self, claim: Claim, result: Any = None) -> None:
        self.ledger.run(calls.finish(claim, to_json(result), LIMITS))

    def deliver(self, claim: Claim, *items: int) -> None:
        """Record these items of a pack as delivered."""
        receipt = to_json({"provider": "log", "category": "delivered"})
        self.ledger.run(calls.record(claim, [(item, State.SUCCEEDED, receipt) for item in items]))

    def close(self) -> None:
        self.ledger.close()
