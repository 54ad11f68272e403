"""The reconciler's cost does not grow with what waits."""

from dataclasses import replace
from functools import partial

from handoff_ledger import LedgerUnavailable, Limits, Receipt, Submission, calls
from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT
from process import wait_until
from tests.integration.ledger.lab import PUSH, Lab

LEASED = replace(PUSH, policy=replace(PUSH.policy, lease=3_600))  # however long it takes here


def fill(lab: Lab, tasks: int) -> None:
    for first in range(0, tasks, MAX_RECORDS_PER_SCRIPT):
        submission = Submission(contract=PUSH, payload=b"{}", queue="bulk")
        call = calls.accept_batch(submission, [(b"[{}]", 1)] * min(MAX_RECORDS_PER_SCRIPT, tasks - first), Limits())
        assert wait_until(partial(accepted, lab, call), 60)


def accepted(lab: Lab, call: calls.Call[Receipt]) -> bool:
    """Whether Redis takes the step. A disk that is slow to sync may keep it from answering in time."""
    try:
        lab.run(call)
    except LedgerUnavailable:
        return False
    return True


def cost(lab: Lab) -> tuple[int, int]:
    """The fewest commands and the least time in microseconds of many quiet sweeps: others may use this Redis too."""
    commands, times = [], []
    for _ in range(30):
        lab.redis.config_resetstat()
        assert lab.sweep() == {}
        stats = lab.redis.info("commandstats")
        commands.append(sum(stat["calls"] for stat in stats.values()))
        times.append(stats["cmdstat_evalsha"]["usec"])
    return min(commands), min(times)


def test_a_sweep_costs_the_same_with_100_and_with_100000_queued(lab: Lab) -> None:
    fill(lab, 150)
    for _ in range(50):
        lab.claim(lab.pop("bulk"), LEASED)
    lab.sweep()
    few, brief = cost(lab)
    for _ in range(50):
        fill(lab, 2_000)
    assert lab.redis.llen("bulk") == 100_100
    many, longer = cost(lab)
    assert many == few < 50
    assert longer < 3 * brief + 1_000

    # A list that was lost is published again by so many a sweep.
    lab.redis.delete("bulk")
    assert lab.sweep_twice(most=100) == {"republished": 100}
    lab.redis.config_resetstat()
    lab.sweep_twice(most=100)
    assert lab.commands() < 100 * 30
