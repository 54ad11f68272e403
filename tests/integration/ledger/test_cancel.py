"""Cancelling: at once what waits, by asking what runs; one task or a batch, with no worker alive."""

from collections.abc import Callable

import pytest

from handoff_ledger import Claim, ClaimRefused, State, UnknownTask, calls, keys
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, PUSH, Lab


def scheduled(lab: Lab) -> str:
    return lab.submit(delay_ms=60_000)


def parked(lab: Lab) -> str:
    id = lab.submit()
    lab.run(calls.park(id))
    return id


def retried(lab: Lab) -> str:
    claim = lab.claimed()
    lab.run(calls.retry(claim, 60, FAULT, LIMITS))
    return claim.id


@pytest.mark.parametrize("waiting", [scheduled, Lab.submit, parked, retried])
def test_what_waits_is_cancelled_at_once(both: Lab, waiting: Callable[[Lab], str]) -> None:
    id = waiting(both)
    for _ in range(2):
        assert both.run(calls.cancel(id, LIMITS)) is State.CANCELLED
    task = both.read(id)
    assert (task.state, task.cancel_requested) == (State.CANCELLED, False)
    assert task.error is not None
    assert task.error.code == "cancelled"
    assert both.indexes(id) == [keys.state("cancelled")]
    assert both.run(calls.claim(id, "w1", ECHO, LIMITS)) == ClaimRefused("cancelled")
    both.come_due(id)
    both.run(calls.announce("w1", 10, [ECHO], ["default"]))
    both.sweep()
    assert both.read(id).state is State.CANCELLED


def test_what_runs_is_asked_to_stop(both: Lab) -> None:
    claim = both.claimed()
    assert both.run(calls.renew("w1", [claim.id])) == []
    assert both.run(calls.cancel(claim.id, LIMITS)) is State.RUNNING
    assert both.read(claim.id).cancel_requested
    assert both.run(calls.renew("w1", [claim.id])) == [claim.id]
    assert both.run(calls.renew("w2", [claim.id])) == []


@pytest.mark.parametrize("state", [state for state in State if state.ended])
def test_what_has_ended_stays_as_it_is(both: Lab, state: State) -> None:
    id = both.ended(state)
    before = both.dump()
    assert both.run(calls.cancel(id, LIMITS)) is state
    assert both.dump() == before


def test_an_unknown_id_is_told_and_leaves_nothing_behind(both: Lab) -> None:
    with pytest.raises(UnknownTask):
        both.run(calls.cancel("0" * 26, LIMITS))
    with pytest.raises(UnknownTask):
        both.run(calls.cancel_batch("0" * 26, LIMITS))
    assert both.dump() == {}


def finish(lab: Lab, claim: Claim) -> None:
    lab.run(calls.finish(claim, b"null", LIMITS))


def retry(lab: Lab, claim: Claim) -> None:
    lab.run(calls.retry(claim, 60, FAULT, LIMITS))


def release(lab: Lab, claim: Claim) -> None:
    lab.run(calls.release(claim.id, "w1", LIMITS))


def lease_expires(lab: Lab, claim: Claim) -> None:
    lab.expire_leases(claim.id)
    lab.sweep()


def give_back(lab: Lab, claim: Claim) -> None:
    lab.run(calls.give_back(claim))
    assert lab.run(calls.claim(claim.id, "w2", PUSH, LIMITS)) == ClaimRefused("cancelled")


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (finish, State.SUCCEEDED),  # it was too late
        (retry, State.CANCELLED),
        (release, State.CANCELLED),
        (lease_expires, State.CANCELLED),
        (give_back, State.CANCELLED),
    ],
)
def test_what_was_asked_to_stop_never_runs_again(lab: Lab, end: Callable[[Lab, Claim], None], state: State) -> None:
    claim = lab.claim(f"{lab.batch(2)}.0", PUSH)
    lab.run(calls.cancel(claim.id, LIMITS))
    end(lab, claim)
    assert lab.read(claim.id).state is state
    assert lab.counts(claim.id[:26]) == {state: 2}


def test_a_pack_learns_it_as_soon_as_it_records(both: Lab) -> None:
    claim = both.claim(f"{both.batch(3)}.0", PUSH)
    assert both.record(claim, 0) is True
    both.run(calls.cancel(claim.id, LIMITS))
    assert both.record(claim, 1) is False
    assert both.run(calls.fail(claim, FAULT, LIMITS, State.CANCELLED)) is State.CANCELLED
    assert both.counts(claim.id[:26]) == {"succeeded": 2, "cancelled": 1}


def test_a_batch_is_cancelled_pack_by_pack(both: Lab) -> None:
    batch = both.batch(2, 2, 2, 2)
    done, running = (both.claim(f"{batch}.{number}", PUSH) for number in range(2))
    both.record(done, 0, 1)
    both.run(calls.finish(done, b"null", LIMITS))
    assert both.run(calls.cancel_batch(batch, LIMITS)) == (3, False)
    assert both.counts(batch) == {"succeeded": 2, "running": 2, "cancelled": 4}
    assert both.read_batch(batch).state == "open"
    assert both.run(calls.renew("w1", [running.id])) == [running.id]
    both.run(calls.release(running.id, "w1", LIMITS))
    assert both.counts(batch) == {"succeeded": 2, "cancelled": 6}
    assert both.read_batch(batch).state == "ended"
    assert both.run(calls.cancel_batch(batch, LIMITS)) == (0, False)
