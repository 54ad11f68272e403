"""A pack that was cut down goes on after what was recorded."""

from pydantic_core import from_json

from handoff_ledger import State, calls, keys
from tests.integration.ledger.lab import FAULT, LIMITS, PUSH, Lab


def test_giving_back_does_not_count_as_an_attempt(both: Lab) -> None:
    pack = f"{both.batch(2)}.0"
    for fence in range(1, PUSH.policy.max_attempts + 3):
        claim = both.claim(pack, PUSH)
        assert (claim.fence, claim.attempt) == (fence, 1)
        assert both.run(calls.give_back(claim)) is State.QUEUED
    assert both.indexes(pack) == [keys.queued("bulk")]


def test_a_pack_goes_on_after_what_was_recorded(both: Lab) -> None:
    batch = both.batch(4)
    claim = both.claim(f"{batch}.0", PUSH)
    assert from_json(claim.common) == {"title": "Hello"}
    assert from_json(claim.payload) == [{"token": str(number)} for number in range(4)]
    assert both.record(claim, 2) is True
    assert both.record(claim, 0, state=State.FAILED) is True
    both.run(calls.release(claim.id, "w1", LIMITS))
    again = both.claim(claim.id, PUSH, "w2")
    recorded = [outcome for chunk in again.outcomes for outcome in from_json(chunk)]
    assert recorded == [[2, "succeeded", {"category": "delivered"}], [0, "failed", FAULT.model_dump()]]
    progress = both.read(claim.id).progress
    assert progress is not None
    assert (progress.done, progress.total) == (2, 4)


def test_outcomes_whose_reply_was_lost_are_counted_once(both: Lab) -> None:
    batch = both.batch(3)
    claim = both.claim(f"{batch}.0", PUSH)
    for at in ((0, 1), (2,)):
        call = calls.record(claim, [(place, State.SUCCEEDED, b"null") for place in at])
        for _ in range(3):
            assert both.run(call) is True
    assert both.counts(batch) == {"succeeded": 3}
    assert both.read_batch(batch).state == "ended"
    assert both.redis.llen(keys.items(claim.id)) == 2
    assert both.redis.hget(keys.stats(), "push.send item succeeded") == "3"


def test_a_wide_pack_recorded_item_by_item_is_claimed_again(lab: Lab) -> None:
    claim = lab.claim(f"{lab.batch(10_000)}.0", PUSH)
    for at in range(9_000):
        lab.record(claim, at)
    lab.run(calls.release(claim.id, "w1", LIMITS))
    assert len(lab.claim(claim.id, PUSH).outcomes) == 9_000
