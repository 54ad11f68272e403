"""What no process takes care of any more is put right, by one of any number of reconcilers."""

import json
from dataclasses import replace

import pytest

from handoff_ledger import Refused, State, calls
from process import wait_until
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, PUSH, Lab


def test_a_quiet_ledger_gives_nothing_to_do(both: Lab) -> None:
    both.submit()
    both.submit(delay_ms=60_000)
    both.claimed()
    assert both.run(calls.sweep("r1", LIMITS)) == {}
    assert both.sweep() == {}


def test_due_tasks_are_queued_in_the_order_of_their_times(lab: Lab) -> None:
    first, second, later = (lab.submit(delay_ms=60_000) for _ in range(3))
    lab.redis.zadd("handoff:scheduled", {second: 2, first: 1})
    assert lab.sweep() == {"due": 2}
    assert lab.messages() == [first, second]
    assert lab.indexes(first) == ["handoff:queued:default"]
    assert lab.read(later).state is State.SCHEDULED


def test_a_short_delay_comes_to_its_end(lab: Lab) -> None:
    id = lab.submit(delay_ms=50)
    assert wait_until(lambda: lab.sweep() == {"due": 1}, 5)
    assert lab.read(id).state is State.QUEUED


class TestLeases:
    def test_a_task_whose_lease_lapsed_goes_to_another_worker(self, both: Lab) -> None:
        claim = both.claimed()
        both.pop()
        both.lapse(claim.id)
        assert both.sweep() == {"lapsed": 1}
        assert both.messages() == [claim.id]
        again = both.claim(claim.id, owner="w2")
        assert (again.fence, again.attempt) == (2, 2)

    def test_one_that_is_held_stays(self, lab: Lab) -> None:
        claim = lab.claimed()
        assert lab.sweep() == {}
        assert lab.indexes(claim.id) == ["handoff:running"]

    def test_a_short_lease_ends_by_itself(self, lab: Lab) -> None:
        brief = replace(ECHO, policy=replace(ECHO.policy, lease=3.0))
        claim = lab.claimed(brief)
        lab.redis.hset(f"handoff:task:{claim.id}", "lease", 40)
        lab.run(calls.renew("w1", [claim.id]))
        assert wait_until(lambda: lab.sweep() == {"lapsed": 1}, 5)

    def test_after_a_gap_leases_get_time_to_be_renewed(self, lab: Lab) -> None:
        renewed, lost = lab.claimed(), lab.claimed(owner="w2")
        lab.sweep()
        lab.lapse(renewed.id, lost.id)
        lab.redis.set("handoff:swept", 1)  # every reconciler was away since
        assert lab.sweep(gap=3_000, amnesty=400) == {}
        lab.run(calls.renew("w1", [renewed.id]))
        assert lab.sweep(gap=3_000, amnesty=400) == {}
        assert wait_until(lambda: lab.sweep(gap=3_000, amnesty=400) == {"lapsed": 1}, 5)
        assert lab.read(renewed.id).state is State.RUNNING
        assert lab.read(lost.id).state is State.QUEUED

    def test_the_first_sweep_ever_is_after_a_gap(self, lab: Lab) -> None:
        claim = lab.claimed()
        lab.lapse(claim.id)
        assert lab.run(calls.sweep("r1", LIMITS)) == {}
        assert lab.read(claim.id).state is State.RUNNING


class TestMessages:
    def test_a_message_that_was_popped_and_lost_is_published_again(self, both: Lab) -> None:
        id = both.submit()
        assert both.pop() == id
        assert both.sweep(grace=150) == {}
        assert both.messages() == []
        assert wait_until(lambda: both.sweep(grace=150) == {"republished": 1}, 5)
        assert both.messages() == [id]
        both.claim(id)
        assert both.sweep() == {}

    def test_so_is_one_that_others_wait_behind(self, lab: Lab) -> None:
        ids = [lab.submit() for _ in range(5)]
        assert [lab.pop(), lab.pop()] == ids[:2]
        lab.claim(ids[0])
        assert lab.sweep_twice() == {"republished": 1}
        assert lab.messages() == [*ids[2:], ids[1]]

    def test_a_whole_list_that_was_lost_is_published_again_in_order(self, lab: Lab) -> None:
        ids = [lab.submit() for _ in range(7)]
        lab.redis.delete("default")
        for expected in (3, 3, 1):
            assert lab.sweep_twice(most=3) == {"republished": expected}
        assert lab.messages() == ids
        assert lab.sweep_twice() == {}

    def test_one_that_waits_in_the_list_is_never_published_twice(self, lab: Lab) -> None:
        ids = [lab.submit() for _ in range(5)]
        assert lab.sweep_twice() == {}
        assert lab.messages() == ids

    def test_one_that_is_claimed_within_the_grace_is_left_alone(self, lab: Lab) -> None:
        id = lab.submit()
        lab.pop()
        assert lab.sweep(grace=60_000) == {}
        lab.claim(id)
        assert lab.sweep_twice() == {}
        assert lab.messages() == []

    def test_the_grace_starts_anew_when_it_is_popped_again(self, lab: Lab) -> None:
        id = lab.submit()
        lab.pop()
        assert lab.sweep_twice() == {"republished": 1}
        assert lab.pop() == id
        assert lab.sweep(grace=60_000) == {}
        assert lab.messages() == []

    def test_what_a_stock_worker_puts_back_is_understood(self, lab: Lab) -> None:
        ids = [lab.submit() for _ in range(2)]
        lab.redis.rpush("default", json.dumps(json.loads(str(lab.redis.rpop("default")))))
        assert lab.sweep_twice() == {}
        assert lab.messages() == ids

    def test_a_foreign_message_delays_nothing_but_the_republishing(self, lab: Lab) -> None:
        id = lab.submit()
        lab.pop()
        lab.redis.rpush("default", '{"body":"bm90IG91cnM="}')
        assert lab.sweep_twice() == {}
        lab.redis.rpop("default")
        assert lab.sweep_twice() == {"republished": 1}
        assert lab.messages() == [id]

    def test_marks_of_missing_messages_do_not_pile_up(self, lab: Lab) -> None:
        for _ in range(5):
            lab.submit()
        lab.redis.delete("default")
        lab.sweep(grace=1)
        assert lab.redis.zcard("handoff:missing") == 5
        assert wait_until(lambda: lab.sweep(grace=1) == {} and not lab.redis.exists("handoff:missing"), 5)


class TestExpiry:
    @pytest.mark.parametrize("where", ["queued", "scheduled", "parked"])
    def test_what_waited_too_long_is_ended(self, both: Lab, where: str) -> None:
        id = both.submit(expires_ms=60_000, delay_ms=120_000 if where == "scheduled" else 0)
        if where == "parked":
            both.run(calls.park(id))
        assert both.sweep() == {}
        both.redis.zadd("handoff:expiring", {id: 1})
        assert both.sweep() == {"expired": 1}
        task = both.read(id)
        assert task.state is State.EXPIRED
        assert task.error is not None
        assert task.error.code == "expired"
        assert both.indexes(id) == ["handoff:expired"]
        assert not both.redis.exists("handoff:expiring")
        assert both.run(calls.claim(id, "w1", ECHO, LIMITS)) == Refused("expired")

    def test_what_runs_is_left_to_end(self, lab: Lab) -> None:
        claim = lab.claimed(expires_ms=60_000)
        lab.redis.zadd("handoff:expiring", {claim.id: 1})
        assert lab.sweep() == {}
        assert lab.run(calls.finish(claim, b"null", LIMITS)) is State.SUCCEEDED

    def test_what_is_tried_again_too_late_is_ended_then(self, lab: Lab) -> None:
        claim = lab.claimed(expires_ms=60_000)
        lab.redis.zadd("handoff:expiring", {claim.id: 1})
        lab.redis.hset(f"handoff:task:{claim.id}", "expires", "1")
        lab.sweep()
        lab.run(calls.retry(claim, 60, FAULT, LIMITS))
        lab.come_due(claim.id)
        lab.sweep()
        assert lab.run(calls.claim(claim.id, "w1", ECHO, LIMITS)) == Refused("expired")

    def test_the_end_of_a_task_ends_its_expiry(self, lab: Lab) -> None:
        claim = lab.claimed(expires_ms=60_000)
        lab.run(calls.finish(claim, b"null", LIMITS))
        assert not lab.redis.exists("handoff:expiring")


class TestParking:
    def test_a_parked_task_waits_for_a_worker_that_knows_it(self, both: Lab) -> None:
        id = both.submit()
        both.pop()
        assert both.run(calls.park(id)) == "parked"
        assert both.run(calls.park(id)) == "parked"
        assert both.sweep() == {}
        both.run(calls.announce("w1", 60, [replace(ECHO, version=2), PUSH], ["default"]))
        assert both.sweep() == {}
        assert both.run(calls.claim(id, "w1", ECHO, LIMITS)) == Refused("parked")
        both.run(calls.announce("w2", 60, [ECHO], ["default"]))
        assert both.sweep() == {"released": 1}
        assert both.indexes(id) == ["handoff:queued:default"]
        assert both.messages() == [id]
        assert both.claim(id).attempt == 1
        assert not both.redis.exists("handoff:parkings")

    def test_what_a_dead_worker_announced_is_forgotten(self, lab: Lab) -> None:
        lab.run(calls.announce("w1", 0.02, [ECHO], ["default"]))
        assert wait_until(lambda: not list(lab.redis.scan_iter("handoff:*")), 5)

    def test_only_what_is_queued_is_parked(self, lab: Lab) -> None:
        assert lab.run(calls.park(lab.claimed().id)) == "running"
        assert lab.run(calls.park(lab.submit(delay_ms=60_000))) == "scheduled"


class TestLeadership:
    def test_only_the_leader_sweeps(self, both: Lab) -> None:
        both.sweep("r1")
        both.come_due(id := both.submit(delay_ms=60_000))
        assert both.sweep("r2") == {}
        assert both.read(id).state is State.SCHEDULED
        assert both.sweep("r1") == {"due": 1}

    def test_another_leads_when_the_leader_is_gone(self, lab: Lab) -> None:
        lab.sweep("r1", leads=100)
        lab.come_due(lab.submit(delay_ms=60_000))
        assert lab.sweep("r2") == {}
        assert wait_until(lambda: lab.sweep("r2") == {"due": 1}, 5)
        lab.come_due(lab.submit(delay_ms=60_000))
        assert lab.sweep("r1") == {}

    def test_a_leader_that_sweeps_stays_it(self, lab: Lab) -> None:
        for _ in range(3):
            lab.sweep("r1", leads=60_000)
            assert (lab.redis.pttl("handoff:leader")) > 50_000


def test_one_sweep_moves_no_more_than_its_bound(lab: Lab) -> None:
    lab.come_due(*(lab.submit(delay_ms=60_000) for _ in range(5)))
    for expected in (2, 2, 1):
        assert lab.sweep(most=2) == {"due": expected}


@pytest.mark.parametrize("index", ["scheduled", "running", "queued:default", "expiring", "parked:system.echo:1"])
def test_an_entry_without_a_record_is_dropped(lab: Lab, index: str) -> None:
    lab.redis.zadd(f"handoff:{index}", {"0" * 26: 1})
    lab.redis.sadd("handoff:parkings", "system.echo:1")
    lab.run(calls.announce("w1", 60, [ECHO], []))
    assert lab.sweep_twice() == {}
    assert lab.index_names() == []
    assert not lab.redis.exists("handoff:expiring")
    assert not list(lab.redis.scan_iter("handoff:task:*"))


class TestQueues:
    def test_depth_counts_what_waits(self, both: Lab) -> None:
        both.batch(3, 3)
        both.claimed()
        both.submit()
        depths = {queue.name: queue.depth for queue in both.run(calls.queues())}
        assert depths == {"high": 0, "default": 1, "bulk": 2, "documents": 0}

    def test_a_queue_is_served_while_a_worker_says_so(self, both: Lab) -> None:
        both.run(calls.announce("w1", 0.1, [ECHO], ["default", "bulk"]))
        assert {queue.name for queue in both.run(calls.queues()) if queue.served} == {"default", "bulk"}
        assert wait_until(lambda: not any(queue.served for queue in both.run(calls.queues())), 5)

    def test_the_oldest_has_waited_since_its_acceptance(self, lab: Lab) -> None:
        id = lab.submit()
        lab.submit()
        created = int(str(lab.redis.hget(f"handoff:task:{id}", "created")))
        lab.redis.hset(f"handoff:task:{id}", "created", created - 90_000)
        ages = {queue.name: queue.oldest_s for queue in lab.run(calls.queues())}
        assert 90 <= ages.pop("default") < 100
        assert set(ages.values()) == {0}

    def test_a_task_that_was_scheduled_has_waited_since_it_was_due(self, lab: Lab) -> None:
        id = lab.submit(delay_ms=60_000)
        due = int(str(lab.redis.hget(f"handoff:task:{id}", "due")))
        lab.redis.hset(f"handoff:task:{id}", mapping={"created": due - 10_060_000, "due": due - 60_000})
        lab.come_due(id)
        lab.sweep()
        (age,) = (queue.oldest_s for queue in lab.run(calls.queues()) if queue.name == "default")
        assert 0 <= age < 10
