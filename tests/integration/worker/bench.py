"""Shorthands with which the worker's tests accept and read tasks."""

import json
from collections.abc import Sequence
from typing import Any

from handoff_contracts.catalogue import AnyContract
from handoff_ledger import Batch, Limits, Submission, SyncLedger, Task, calls
from handoff_ledger.records import State
from process import wait_until

LIMITS = Limits()


class Bench:
    """A ledger and shorthands for its calls."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ledger = SyncLedger(url)

    def accept(self, contract: AnyContract, payload: dict[str, Any], queue: str = "", **options: Any) -> str:
        """Accepts a task, and returns its id."""
        queue = queue or contract.queue.name
        submission = Submission(contract=contract, payload=json.dumps(payload).encode(), queue=queue, **options)
        (receipt,) = self.ledger.run(calls.accept([submission], LIMITS))
        assert not isinstance(receipt, Exception)
        return receipt.id

    def accept_batch(self, contract: AnyContract, common: dict[str, Any], items: Sequence[dict[str, Any]]) -> str:
        """Accepts a batch in packs of the contract's size, and returns its id. Pack n is the task `<id>.<n>`."""
        submission = Submission(contract=contract, payload=json.dumps(common).encode(), queue=contract.queue.name)
        size = contract.policy.pack
        chunks = [items[at : at + size] for at in range(0, len(items), size)]
        packs = [(json.dumps(chunk).encode(), len(chunk)) for chunk in chunks]
        return self.ledger.run(calls.accept_batch(submission, packs, LIMITS)).id

    def task(self, id: str) -> Task:
        return self.ledger.run(calls.read(id))

    def batch(self, id: str) -> Batch:
        return self.ledger.run(calls.read_batch(id))

    def counts(self, batch: str) -> dict[State, int]:
        """Returns the number of a batch's items by state, without the states that have none."""
        return {state: count for state, count in self.batch(batch).counts.items() if count}

    def reaches(self, id: str, state: State, seconds: float) -> bool:
        return wait_until(lambda: self.task(id).state is state, seconds)

    def due_again(self, id: str) -> bool:
        """Sweeps until a scheduled task is queued again."""

        def queued() -> bool:
            self.ledger.run(calls.sweep("a reconciler", LIMITS))
            return self.task(id).state is State.QUEUED

        return wait_until(queued, 30)

    def close(self) -> None:
        self.ledger.close()
