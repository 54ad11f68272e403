"""A worker that lost its lease changes nothing, whatever became of the task since."""

from collections.abc import Callable
from typing import Any

import pytest

from handoff_ledger import Call, Claim, Stale, State, calls
from tests.integration.ledger.lab import FAULT, LIMITS, PUSH, Lab

STEPS: dict[str, Callable[[Claim], Call[Any]]] = {
    "finish": lambda claim: calls.finish(claim, b"null", LIMITS),
    "fail": lambda claim: calls.fail(claim, FAULT, LIMITS),
    "retry": lambda claim: calls.retry(claim, 0, FAULT, LIMITS),
    "give back": calls.give_back,
    "record": lambda claim: calls.record(claim, [(0, State.SUCCEEDED, b"null")]),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("now", ["queued", "running", "scheduled", "succeeded"])
def test_a_worker_that_lost_its_lease_changes_nothing(both: Lab, step: Callable[[Claim], Call[Any]], now: str) -> None:
    late = both.claim(f"{both.batch(2)}.0", PUSH)
    both.expire_leases(late.id)
    assert both.sweep() == {"lease_expired": 1}
    if now != "queued":
        holder = both.claim(late.id, PUSH, "w2")
        assert holder.fence == late.fence + 1
        if now == "scheduled":
            both.run(calls.retry(holder, 60, FAULT, LIMITS))
        if now == "succeeded":
            both.run(calls.finish(holder, b"null", LIMITS))
    before = both.dump()
    with pytest.raises(Stale):
        both.run(step(late))
    assert both.dump() == before
    assert both.read(late.id).state == now
