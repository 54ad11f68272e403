"""What waits in vain: too long, or for a worker that knows it."""

from dataclasses import replace

import pytest

from handoff_ledger import ClaimRefused, State, calls, keys
from process import wait_until
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, PUSH, Lab


class TestExpiry:
    @pytest.mark.parametrize("where", ["queued", "scheduled", "parked"])
    def test_what_waited_too_long_is_ended(self, both: Lab, where: str) -> None:
        id = both.submit(expires_ms=60_000, delay_ms=120_000 if where == "scheduled" else 0)
        if where == "parked":
            both.run(calls.park(id))
        assert both.sweep() == {}
        both.redis.zadd(keys.expiring(), {id: 1})
        assert both.sweep() == {"expired": 1}
        task = both.read(id)
        assert task.state is State.EXPIRED
        assert task.error is not None
        assert task.error.code == "expired"
        assert both.indexes(id) == [keys.state("expired")]
        assert not both.redis.exists(keys.expiring())
        assert both.run(calls.claim(id, "w1", ECHO, LIMITS)) == ClaimRefused("expired")

    def test_what_runs_is_left_to_end(self, lab: Lab) -> None:
        claim = lab.claimed(expires_ms=60_000)
        lab.redis.zadd(keys.expiring(), {claim.id: 1})
        assert lab.sweep() == {}
        assert lab.run(calls.finish(claim, b"null", LIMITS)) is State.SUCCEEDED

    def test_what_is_tried_again_too_late_is_ended_then(self, lab: Lab) -> None:
        claim = lab.claimed(expires_ms=60_000)
        lab.redis.zadd(keys.expiring(), {claim.id: 1})
        lab.redis.hset(keys.task(claim.id), "expires", "1")
        lab.sweep()
        lab.run(calls.retry(claim, 60, FAULT, LIMITS))
        lab.come_due(claim.id)
        lab.sweep()
        assert lab.run(calls.claim(claim.id, "w1", ECHO, LIMITS)) == ClaimRefused("expired")

    def test_the_end_of_a_task_ends_its_expiry(self, lab: Lab) -> None:
        claim = lab.claimed(expires_ms=60_000)
        lab.run(calls.finish(claim, b"null", LIMITS))
        assert not lab.redis.exists(keys.expiring())


class TestParking:
    def test_a_parked_task_waits_for_a_worker_that_knows_it(self, both: Lab) -> None:
        id = both.submit()
        both.pop()
        assert both.run(calls.park(id)) == "parked"
        assert both.run(calls.park(id)) == "parked"
        assert both.sweep() == {}
        both.run(calls.announce("w1", 60, [replace(ECHO, version=2), PUSH], ["default"]))
        assert both.sweep() == {}
        assert both.run(calls.claim(id, "w1", ECHO, LIMITS)) == ClaimRefused("parked")
        both.run(calls.announce("w2", 60, [ECHO], ["default"]))
        assert both.sweep() == {"unparked": 1}
        assert both.indexes(id) == [keys.queued("default")]
        assert both.messages() == [id]
        assert both.claim(id).attempt == 1
        assert not both.redis.exists(keys.parked_versions())

    def test_what_a_dead_worker_announced_is_forgotten(self, lab: Lab) -> None:
        lab.run(calls.announce("w1", 0.02, [ECHO], ["default"]))
        assert wait_until(lambda: not list(lab.redis.scan_iter("handoff:*")), 5)

    def test_only_what_is_queued_is_parked(self, lab: Lab) -> None:
        assert lab.run(calls.park(lab.claimed().id)) == "running"
        assert lab.run(calls.park(lab.submit(delay_ms=60_000))) == "scheduled"
