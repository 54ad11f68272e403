"""A batch's counts always add up, and its items are listed page by page."""

from collections.abc import Iterator

import pytest

from handoff_ledger import Failure, Item, State, UnknownTask, calls
from handoff_ledger.calls.items import list_items
from tests.integration.ledger.lab import FAULT, LIMITS, PUSH, Lab

DELIVERED = {"category": "delivered"}


def pages(lab: Lab, batch: str, limit: int, state: State | None = None) -> Iterator[list[Item]]:
    cursor = ""
    while True:
        page, cursor = lab.run(list_items(batch, limit, state, cursor))
        assert len(page) <= limit
        yield page
        if not cursor:
            return


def test_counts_add_up_at_each_step(both: Lab) -> None:
    batch = both.batch(3, 2, 4)
    first, second, third = (f"{batch}.{number}" for number in range(3))

    def now(**counts: int) -> None:
        assert both.counts(batch) == counts
        assert sum(counts.values()) == both.read_batch(batch).total == 9
        assert both.read_batch(batch).state == (
            "open" if counts.keys() & {"queued", "running", "scheduled", "parked"} else "ended"
        )

    now(queued=9)
    claim = both.claim(first, PUSH)
    now(running=3, queued=6)
    both.record(claim, 0)
    both.record(claim, 1, state=State.FAILED)
    now(running=1, queued=6, succeeded=1, failed=1)
    both.run(calls.retry(claim, 60, FAULT, LIMITS))
    now(scheduled=1, queued=6, succeeded=1, failed=1)
    both.come_due(first)
    both.sweep()
    now(queued=7, succeeded=1, failed=1)
    both.run(calls.park(second))
    now(queued=5, parked=2, succeeded=1, failed=1)
    both.run(calls.fail(both.claim(third, PUSH), FAULT, LIMITS))
    now(queued=1, parked=2, succeeded=1, failed=5)
    both.run(calls.cancel(second, LIMITS))
    now(queued=1, cancelled=2, succeeded=1, failed=5)
    claim = both.claim(first, PUSH)
    both.expire_leases(first)
    both.sweep()
    now(queued=1, cancelled=2, succeeded=1, failed=5)
    claim = both.claim(first, PUSH)
    both.record(claim, 2, state=State.DEAD)
    now(dead=1, cancelled=2, succeeded=1, failed=5)
    both.run(calls.fail(claim, FAULT, LIMITS, State.DEAD))
    now(dead=1, cancelled=2, succeeded=1, failed=5)


def test_a_batch_ends_with_its_last_item(both: Lab) -> None:
    batch = both.batch(1, 1)
    for number, finished in ((0, False), (1, True)):
        claim = both.claim(f"{batch}.{number}", PUSH)
        both.record(claim, 0)
        assert (both.read_batch(batch).finished_at is not None) is finished
        both.run(calls.finish(claim, b"null", LIMITS))
    assert both.read_batch(batch).state == "ended"


def test_an_unknown_batch_is_told(both: Lab) -> None:
    with pytest.raises(UnknownTask):
        both.run(calls.read_batch("0" * 26))
    with pytest.raises(UnknownTask):
        both.run(list_items("0" * 26, 10))
    assert both.dump() == {}


@pytest.fixture
def mixed(lab: Lab) -> str:
    """A batch of 12 items in packs of 5, 1, 4 and 2: some recorded, a pack that failed whole, one that waits."""
    batch = lab.batch(5, 1, 4, 2)
    claim = lab.claim(f"{batch}.0", PUSH)
    lab.record(claim, 3, 1)
    lab.record(claim, 4, state=State.FAILED)
    lab.run(calls.fail(lab.claim(f"{batch}.1", PUSH), FAULT, LIMITS))
    whole = lab.claim(f"{batch}.2", PUSH)
    lab.record(whole, 0, 1, 2, 3)
    lab.run(calls.finish(whole, b"null", LIMITS))
    return batch


EXPECTED = {
    State.RUNNING: {0, 2},
    State.SUCCEEDED: {1, 3, 6, 7, 8, 9},
    State.FAILED: {4, 5},
    State.QUEUED: {10, 11},
    State.DEAD: set[int](),
}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 12, 100])
def test_items_are_listed_by_index_whatever_the_page(lab: Lab, mixed: str, limit: int) -> None:
    listed = list(pages(lab, mixed, limit))
    items = [item for page in listed for item in page]
    assert [item.index for item in items] == list(range(12))
    assert [item.item for item in items] == [{"token": str(number)} for number in range(12)]
    assert {(item.index, item.state) for item in items} == {
        (at, state) for state, ats in EXPECTED.items() for at in ats
    }
    assert all(len(page) == limit for page in listed[: 12 // limit])


@pytest.mark.parametrize("state", list(EXPECTED))
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_items_of_one_state_are_listed_whatever_the_page(lab: Lab, mixed: str, state: State, limit: int) -> None:
    items = [item for page in pages(lab, mixed, limit, state) for item in page]
    assert [item.index for item in items] == sorted(EXPECTED[state])
    assert {item.state for item in items} <= {state}


def test_an_item_has_its_own_outcome_or_its_packs(lab: Lab, mixed: str) -> None:
    items = [item for page in pages(lab, mixed, 100) for item in page]
    assert (items[1].result, items[1].error) == (DELIVERED, None)
    assert (items[4].result, items[4].error) == (None, FAULT)
    assert (items[5].result, items[5].error) == (None, FAULT)
    assert (items[0].result, items[0].error) == (None, None)
    assert (items[11].result, items[11].error) == (None, None)


def test_items_of_a_cancelled_pack_say_so(lab: Lab) -> None:
    batch = lab.batch(2)
    lab.run(calls.cancel_batch(batch, LIMITS))
    ((one, other),) = pages(lab, batch, 10)
    assert (one.state, one.error) == (State.CANCELLED, Failure(code="cancelled", message="Cancelled before it ran."))
    assert other.error == one.error


def test_a_rare_state_is_found_behind_many_packs(lab: Lab) -> None:
    batch = lab.batch(*[2] * 250)
    claim = lab.claim(f"{batch}.240", PUSH)
    lab.record(claim, 1, state=State.FAILED)
    listed = list(pages(lab, batch, 10, State.FAILED))
    assert [item.index for page in listed for item in page] == [481]
    assert len(listed) == 3


def test_a_pack_whose_payload_has_expired_has_no_items(both: Lab) -> None:
    batch = both.batch(1, 1)
    both.redis.delete(f"handoff:payload:{batch}.0")
    items, cursor = both.run(list_items(batch, 10))
    assert ([item.index for item in items], cursor) == ([1], "")
