"""A task that ends, and the next one that its worker takes in the same step."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from handoff_ledger import Claim, Stale, State, calls, keys
from tests.integration.ledger.lab import ECHO, LIMITS, ONCE, PUSH, Lab

QUEUES = ["high", "default", "bulk"]
OLDER = replace(PUSH, version=2)


def finished(lab: Lab, claim: Claim, queues: list[str] = QUEUES) -> State | Claim:
    return lab.run(calls.finish_and_claim(claim, b'{"message":"hi"}', LIMITS, queues))


def test_the_next_task_is_claimed_as_if_its_message_had_come(both: Lab) -> None:
    first, second, third = (both.submit(payload=text) for text in (b'"1"', b'"2"', b'"3"'))
    both.pop()
    claim = both.claim(first)
    assert finished(both, claim) == Claim(second, 1, 1, ECHO.policy.max_attempts, '"2"', "", [])
    assert both.messages() == [third]
    assert [both.read(id).state for id in (first, second, third)] == [State.SUCCEEDED, State.RUNNING, State.QUEUED]
    assert both.read(first).result == {"message": "hi"}
    assert both.indexes(second) == [keys.state("running")]
    assert both.redis.hmget(keys.task(second), "owner", "lease") == ["w1", str(int(ECHO.policy.lease * 1000))]
    assert both.read(second).started_at == both.read(first).finished_at
    both.run(calls.renew("w1", [second]))
    assert both.sweep() == {}


def test_the_last_one_has_none_after_it(both: Lab) -> None:
    claim = both.claimed()
    both.pop()
    assert finished(both, claim) is State.SUCCEEDED
    assert both.messages() == []


def test_a_task_tried_again_follows_with_its_next_attempt(lab: Lab) -> None:
    again, first = lab.claimed(), lab.claimed()
    started = lab.read(again.id).started_at
    lab.redis.delete("default")
    lab.run(calls.give_back(again))
    lab.run(calls.release(lab.claim(again.id).id, "w1", LIMITS))
    lab.redis.rpop("default")
    following = finished(lab, first)
    assert isinstance(following, Claim)
    assert (following.id, following.fence, following.attempt) == (again.id, 3, 2)
    assert lab.read(again.id).started_at == started


def test_a_pack_is_followed_by_the_next(lab: Lab) -> None:
    batch = lab.batch(2, 1)
    first = lab.claim(lab.pop("bulk"), PUSH)
    lab.record(first, 0, 1)
    following = finished(lab, first)
    assert isinstance(following, Claim)
    assert (following.id, following.payload, following.common) == (
        f"{batch}.1",
        '[{"token":"2"}]',
        '{"title":"Hello"}',
    )
    lab.record(following, 0)
    assert finished(lab, following) is State.SUCCEEDED
    assert lab.read_batch(batch).state == "ended"


def expired(lab: Lab) -> None:
    lab.redis.hset(keys.task(lab.submit(PUSH, expires_ms=1_000)), "expires", "1")


def cancelled(lab: Lab) -> None:
    lab.run(calls.cancel(lab.submit(PUSH), LIMITS))


def running(lab: Lab) -> None:
    lab.claimed(PUSH, owner="w2")


def to_be_cancelled(lab: Lab) -> None:
    claim = lab.claimed(PUSH)
    lab.redis.delete("bulk")
    lab.run(calls.cancel(claim.id, LIMITS))
    lab.run(calls.give_back(claim))


OTHERS: dict[str, Callable[[Lab], object]] = {
    "another contract": lambda lab: lab.submit(queue="bulk"),
    "another version": lambda lab: lab.submit(OLDER),
    "expired": expired,
    "cancelled": cancelled,
    "to be cancelled": to_be_cancelled,
    "running": running,
    "of another queue": lambda lab: (lab.submit(PUSH, queue="default"), lab.redis.rename("default", "bulk")),
    "unknown": lambda lab: lab.redis.lpush("bulk", '{"headers":{"id":"unknown"}}'),
    "no message": lambda lab: lab.redis.lpush("bulk", '\x00"id":'),
}


@pytest.mark.parametrize("lay", OTHERS.values(), ids=OTHERS)
def test_what_else_lies_in_the_list_is_left_for_celery(lab: Lab, lay: Callable[[Lab], object]) -> None:
    claim = lab.claimed(PUSH)
    lab.redis.delete("bulk")
    lay(lab)
    behind = lab.submit(PUSH)
    before = lab.redis.lrange("bulk", 0, -1)
    assert finished(lab, claim) is State.SUCCEEDED
    assert lab.redis.lrange("bulk", 0, -1) == before
    assert lab.read(behind).state is State.QUEUED


@pytest.mark.parametrize(
    ("queues", "follows"),
    [
        (["high", "default", "bulk"], False),
        (["high", "bulk", "default"], True),
        (["bulk"], True),
        (["default", "high"], False),
        ([], False),
    ],
)
def test_none_is_taken_past_a_queue_that_comes_first(lab: Lab, queues: list[str], follows: bool) -> None:
    claim = lab.claimed(PUSH)
    lab.redis.delete("bulk")
    lab.submit(ONCE, queue="default")
    next = lab.submit(PUSH)
    finished(lab, claim, queues)
    assert lab.read(claim.id).state is State.SUCCEEDED
    assert lab.read(next).state is (State.RUNNING if follows else State.QUEUED)
    assert lab.redis.llen("bulk") == (0 if follows else 1)


def test_a_repeated_call_takes_no_second_one(both: Lab) -> None:
    """Its first reply was lost, and with it what was taken: that lease ends by itself."""
    claim = both.claimed()
    both.redis.delete("default")
    lost, _ = both.submit(), both.submit()
    finished(both, claim)
    assert finished(both, claim) is State.SUCCEEDED
    assert both.redis.zcard(keys.state("running")) == 1
    both.expire_leases(lost)
    assert both.sweep() == {"lease_expired": 1}
    assert both.read(lost).state is State.QUEUED


def test_who_lost_its_lease_takes_nothing(both: Lab) -> None:
    late = both.claimed()
    both.expire_leases(late.id)
    both.sweep()
    before = both.dump()
    with pytest.raises(Stale):
        finished(both, late)
    assert both.dump() == before
