"""One attempt at a task: who holds it, how it ends, and what a late worker can change."""

import json
from dataclasses import replace

import pytest

from handoff_ledger import Claim, ClaimRefused, Failure, State, calls, keys
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, ONCE, TWICE, Lab

LOST_REPLY = pytest.mark.parametrize("times", [1, 2], ids=["once", "reply lost"])


def test_a_claim_holds_the_task_under_a_lease(both: Lab) -> None:
    id = both.submit()
    claim = both.claim(id)
    assert claim == Claim(id, 1, 1, ECHO.policy.max_attempts, '{"message":"hi"}', "", [])
    task = both.read(id)
    assert (task.state, task.attempt) == (State.RUNNING, 1)
    assert task.started_at is not None
    assert both.indexes(id) == [keys.state("running")]
    lease_end = both.redis.zscore(keys.state("running"), id)
    assert lease_end == int(task.started_at.timestamp() * 1000) + ECHO.policy.lease * 1000


@pytest.mark.parametrize("state", [state for state in State if state.ended])
def test_a_message_of_an_ended_task_is_refused(both: Lab, state: State) -> None:
    id = both.ended(state)
    before = both.dump()
    assert both.run(calls.claim(id, "w2", ECHO, LIMITS)) == ClaimRefused(state)
    assert both.dump() == before


def test_a_message_that_comes_twice_runs_once(both: Lab) -> None:
    claim = both.claimed()
    assert both.run(calls.claim(claim.id, "w2", ECHO, LIMITS)) == ClaimRefused("running")
    assert both.read(claim.id).attempt == 1


def test_a_message_without_a_task_leaves_nothing_behind(both: Lab) -> None:
    assert both.run(calls.claim("0" * 26, "w1", ECHO, LIMITS)) == ClaimRefused("unknown")
    assert both.run(calls.park("0" * 26)) == "unknown"
    assert both.run(calls.release("0" * 26, "w1", LIMITS)) == "stale"
    assert both.run(calls.renew("w1", ["0" * 26])) == []
    assert both.dump() == {}


def test_a_message_of_a_scheduled_task_is_refused(lab: Lab) -> None:
    id = lab.submit(delay_ms=60_000)
    assert lab.run(calls.claim(id, "w1", ECHO, LIMITS)) == ClaimRefused("scheduled")


def test_a_version_that_the_worker_does_not_know_is_parked(both: Lab) -> None:
    id = both.submit()
    assert both.run(calls.claim(id, "w1", replace(ECHO, version=2), LIMITS)) == ClaimRefused("parked")
    assert both.read(id).state is State.PARKED
    assert both.indexes(id) == [keys.parked("system.echo:1")]


def test_a_task_that_expired_in_its_queue_is_not_run(lab: Lab) -> None:
    id = lab.ended(State.EXPIRED)
    assert lab.indexes(id) == [keys.state("expired")]
    assert lab.read(id).error == Failure(code="expired", message="It waited longer than it was wanted.")


def test_a_renewal_prolongs_only_what_its_owner_runs(both: Lab) -> None:
    mine, other = both.claimed(owner="w1"), both.claimed(owner="w2")
    both.expire_leases(mine.id, other.id)
    assert both.run(calls.renew("w1", [mine.id, other.id, both.submit(), both.ended(State.FAILED)])) == []
    assert both.redis.zscore(keys.state("running"), other.id) == 1
    assert (both.redis.zscore(keys.state("running"), mine.id) or 0) > 1
    assert both.redis.zcard(keys.state("running")) == 2


def test_a_renewal_after_the_end_of_a_lease_still_counts(lab: Lab) -> None:
    claim = lab.claimed()
    lab.expire_leases(claim.id)
    lab.run(calls.renew("w1", [claim.id]))
    assert lab.sweep() == {}
    assert lab.read(claim.id).state is State.RUNNING


@LOST_REPLY
def test_a_task_succeeds_once(both: Lab, times: int) -> None:
    claim = both.claimed()
    for _ in range(times):
        assert both.run(calls.finish(claim, b'{"message":"hi"}', LIMITS)) is State.SUCCEEDED
    task = both.read(claim.id)
    assert (task.state, task.result, task.error) == (State.SUCCEEDED, {"message": "hi"}, None)
    assert task.finished_at is not None
    assert both.indexes(claim.id) == [keys.state("succeeded")]
    assert both.redis.hget(keys.stats(), "system.echo succeeded") == "1"


@LOST_REPLY
@pytest.mark.parametrize("state", [State.FAILED, State.DEAD, State.CANCELLED])
def test_a_task_fails_once(both: Lab, state: State, times: int) -> None:
    claim = both.claimed()
    for _ in range(times):
        assert both.run(calls.fail(claim, FAULT, LIMITS, state)) is state
    task = both.read(claim.id)
    assert (task.state, task.result, task.error) == (state, None, FAULT)
    assert both.indexes(claim.id) == [keys.state(state)]
    assert both.redis.hget(keys.stats(), f"system.echo {state}") == "1"


def test_an_end_is_final(lab: Lab) -> None:
    claim = lab.claimed()
    lab.run(calls.finish(claim, b"1", LIMITS))
    before = lab.dump()
    assert lab.run(calls.finish(claim, b"2", LIMITS)) is State.SUCCEEDED
    assert lab.run(calls.fail(claim, FAULT, LIMITS)) is State.SUCCEEDED
    assert lab.run(calls.retry(claim, 0, FAULT, LIMITS)) is State.SUCCEEDED
    assert lab.run(calls.cancel(claim.id, LIMITS)) is State.SUCCEEDED
    assert lab.run(calls.park(claim.id)) == "succeeded"
    assert lab.run(calls.release(claim.id, "w1", LIMITS)) == "stale"
    assert lab.dump() == before


@LOST_REPLY
def test_a_retry_waits_and_is_queued_when_due(both: Lab, times: int) -> None:
    claim = both.claimed()
    both.pop()
    for _ in range(times):
        assert both.run(calls.retry(claim, 60, FAULT, LIMITS)) is State.SCHEDULED
    task = both.read(claim.id)
    assert (task.error, task.attempt) == (FAULT, 1)
    assert task.due_at is not None
    assert task.started_at is not None
    assert 59 < (task.due_at - task.started_at).total_seconds() < 70
    assert both.indexes(claim.id) == [keys.state("scheduled")]
    assert both.sweep() == {}
    both.come_due(claim.id)
    assert both.sweep() == {"due": 1}
    assert both.read(claim.id).state is State.QUEUED
    assert both.messages() == [claim.id]
    assert json.loads(str(both.redis.lindex("default", 0)))["headers"]["retries"] == 1
    again = both.claim(claim.id, owner="w2")
    assert (again.fence, again.attempt) == (2, 2)


def test_a_task_is_dead_after_its_attempts(both: Lab) -> None:
    claim = both.claimed(TWICE)
    assert both.run(calls.retry(claim, 0, FAULT, LIMITS)) is State.SCHEDULED
    both.come_due(claim.id)
    both.sweep()
    last = both.claim(claim.id, TWICE)
    assert (last.attempt, last.max_attempts) == (2, 2)
    for _ in range(2):
        assert both.run(calls.retry(last, 0, FAULT, LIMITS)) is State.DEAD
    assert both.read(claim.id).error == FAULT
    assert both.indexes(claim.id) == [keys.state("dead")]


def test_a_process_that_is_gone_gives_back_what_it_ran(both: Lab) -> None:
    claim = both.claimed(TWICE)
    assert both.run(calls.release(claim.id, "w2", LIMITS)) == "stale"
    assert both.run(calls.release(claim.id, "w1", LIMITS)) == "queued"
    assert both.run(calls.release(claim.id, "w1", LIMITS)) == "stale"
    both.claim(claim.id, TWICE)
    assert both.run(calls.release(claim.id, "w1", LIMITS)) == "dead"
    assert both.read(claim.id).error == Failure(code="worker_lost", message="Its worker died in each attempt.")


@pytest.mark.parametrize("end", ["lease expires", "release"])
def test_a_task_that_kills_its_worker_is_dead_after_its_attempts(lab: Lab, end: str) -> None:
    claim = lab.claimed(ONCE)
    if end == "lease expires":
        lab.expire_leases(claim.id)
        assert lab.sweep() == {"lease_expired": 1}
    else:
        lab.run(calls.release(claim.id, "w1", LIMITS))
    assert lab.read(claim.id).state is State.DEAD
    assert lab.messages() == [claim.id]
