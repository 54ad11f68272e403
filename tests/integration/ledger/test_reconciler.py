"""What no process takes care of any more is put right, by one of any number of reconcilers."""

from dataclasses import replace

import pytest

from handoff_ledger import State, calls, keys
from process import wait_until
from tests.integration.ledger.lab import ECHO, LIMITS, Lab


def test_a_quiet_ledger_gives_nothing_to_do(both: Lab) -> None:
    both.submit()
    both.submit(delay_ms=60_000)
    both.claimed()
    assert both.run(calls.sweep("r1", LIMITS)) == {}
    assert both.sweep() == {}


def test_due_tasks_are_queued_in_the_order_of_their_times(lab: Lab) -> None:
    first, second, later = (lab.submit(delay_ms=60_000) for _ in range(3))
    lab.redis.zadd(keys.state("scheduled"), {second: 2, first: 1})
    assert lab.sweep() == {"due": 2}
    assert lab.messages() == [first, second]
    assert lab.indexes(first) == [keys.queued("default")]
    assert lab.read(later).state is State.SCHEDULED


def test_a_short_delay_comes_to_its_end(lab: Lab) -> None:
    id = lab.submit(delay_ms=50)
    assert wait_until(lambda: lab.sweep() == {"due": 1}, 5)
    assert lab.read(id).state is State.QUEUED


class TestLeases:
    def test_a_task_whose_lease_expired_goes_to_another_worker(self, both: Lab) -> None:
        claim = both.claimed()
        both.pop()
        both.expire_leases(claim.id)
        assert both.sweep() == {"lease_expired": 1}
        assert both.messages() == [claim.id]
        again = both.claim(claim.id, owner="w2")
        assert (again.fence, again.attempt) == (2, 2)

    def test_one_that_is_held_stays(self, lab: Lab) -> None:
        claim = lab.claimed()
        assert lab.sweep() == {}
        assert lab.indexes(claim.id) == [keys.state("running")]

    def test_a_short_lease_ends_by_itself(self, lab: Lab) -> None:
        brief = replace(ECHO, policy=replace(ECHO.policy, lease=3.0))
        claim = lab.claimed(brief)
        lab.redis.hset(keys.task(claim.id), "lease", 40)
        lab.run(calls.renew("w1", [claim.id]))
        assert wait_until(lambda: lab.sweep() == {"lease_expired": 1}, 5)

    def test_after_a_gap_leases_get_time_to_be_renewed(self, lab: Lab) -> None:
        renewed, lost = lab.claimed(), lab.claimed(owner="w2")
        lab.sweep()
        lab.expire_leases(renewed.id, lost.id)
        lab.redis.set(keys.last_sweep(), 1)  # every reconciler was away since
        assert lab.sweep(gap=3_000, amnesty=60_000) == {}
        lab.run(calls.renew("w1", [renewed.id]))
        assert lab.sweep() == {}
        lab.redis.pexpire(keys.lease_grace(), 100)
        assert wait_until(lambda: lab.sweep() == {"lease_expired": 1}, 5)
        assert lab.read(renewed.id).state is State.RUNNING
        assert lab.read(lost.id).state is State.QUEUED

    def test_the_first_sweep_ever_is_after_a_gap(self, lab: Lab) -> None:
        claim = lab.claimed()
        lab.expire_leases(claim.id)
        assert lab.run(calls.sweep("r1", LIMITS)) == {}
        assert lab.read(claim.id).state is State.RUNNING


class TestLeadership:
    def test_only_the_leader_sweeps(self, both: Lab) -> None:
        both.sweep("r1")
        both.come_due(id := both.submit(delay_ms=60_000))
        assert both.sweep("r2") == {}
        assert both.read(id).state is State.SCHEDULED
        assert both.sweep("r1") == {"due": 1}

    def test_another_leads_when_the_leader_is_gone(self, lab: Lab) -> None:
        lab.sweep("r1")
        lab.come_due(lab.submit(delay_ms=60_000))
        assert lab.sweep("r2") == {}
        lab.redis.pexpire(keys.leader(), 100)
        assert wait_until(lambda: lab.sweep("r2") == {"due": 1}, 5)
        lab.come_due(lab.submit(delay_ms=60_000))
        assert lab.sweep("r1") == {}

    def test_a_leader_that_sweeps_stays_it(self, lab: Lab) -> None:
        for _ in range(3):
            lab.sweep("r1", leads=60_000)
            assert (lab.redis.pttl(keys.leader())) > 50_000


def test_one_sweep_moves_no_more_than_its_bound(lab: Lab) -> None:
    lab.come_due(*(lab.submit(delay_ms=60_000) for _ in range(5)))
    for expected in (2, 2, 1):
        assert lab.sweep(most=2) == {"due": expected}


@pytest.mark.parametrize("index", ["scheduled", "running", "queued:default", "expiring", "parked:system.echo:1"])
def test_an_entry_without_a_record_is_dropped(lab: Lab, index: str) -> None:
    lab.redis.zadd(keys.state(index), {"0" * 26: 1})
    lab.redis.sadd(keys.parked_versions(), "system.echo:1")
    lab.run(calls.announce("w1", 60, [ECHO], []))
    assert lab.sweep_twice() == {}
    assert lab.index_names() == []
    assert not lab.redis.exists(keys.expiring())
    assert not list(lab.redis.scan_iter("handoff:task:*"))
