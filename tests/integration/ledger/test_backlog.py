"""The reconciler's cost does not grow with what waits."""

from handoff_ledger import Limits, Submission, calls
from tests.integration.ledger.lab import PUSH, Lab


def fill(lab: Lab, tasks: int) -> None:
    submission = Submission(contract=PUSH, payload=b"{}", queue="bulk")
    lab.run(calls.accept_batch(submission, [(b"[{}]", 1)] * tasks, Limits()))


def cost(lab: Lab) -> tuple[int, int]:
    """How many commands a quiet sweep runs, and the least time in microseconds that one of many took."""
    times = []
    for _ in range(30):
        lab.redis.config_resetstat()
        assert lab.sweep() == {}
        times.append(lab.redis.info("commandstats")["cmdstat_evalsha"]["usec"])
    lab.redis.config_resetstat()
    lab.sweep()
    return lab.commands(), min(times)


def test_a_sweep_costs_the_same_with_100_and_with_100000_queued(lab: Lab) -> None:
    fill(lab, 150)
    running = [lab.claim(lab.pop("bulk"), PUSH).id for _ in range(50)]
    lab.sweep()
    few, brief = cost(lab)
    for _ in range(10):
        fill(lab, 10_000)
        lab.run(calls.renew("w1", running))
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
