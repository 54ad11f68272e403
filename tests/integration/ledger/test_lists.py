"""Lists of tasks are paged by a cursor that holds while tasks come, go and tie."""

from collections.abc import Callable

import pytest

from handoff_ledger import State, calls, keys
from tests.integration.ledger.lab import ECHO, LIMITS, PUSH, TWICE, Lab


def pages(
    lab: Lab, limit: int, between: Callable[[], object] = lambda: None, **filters: str | State
) -> list[list[str]]:
    """The ids on every page."""
    found: list[list[str]] = []
    cursor = ""
    while True:
        tasks, cursor = lab.run(calls.list_tasks(limit, cursor=cursor, **filters))  # type: ignore[arg-type]  # a table of filters
        found.append([task.id for task in tasks])
        if not cursor:
            return found
        assert len(found) < 100, "the pages do not end"
        between()


def flat(found: list[list[str]]) -> list[str]:
    return [id for page in found for id in page]


@pytest.fixture
def everywhere(lab: Lab) -> dict[State, list[str]]:
    """Four tasks in each state, three of them with one score where scores are times."""
    there = {state: [lab.ended(state) for _ in range(4)] for state in State if state.ended}
    there[State.QUEUED] = [lab.submit(queue=queue) for queue in ("high", "default", "bulk", "documents")]
    there[State.SCHEDULED] = [lab.submit(delay_ms=60_000) for _ in range(4)]
    there[State.RUNNING] = [lab.claimed().id for _ in range(4)]
    there[State.PARKED] = [lab.submit(contract) for contract in (ECHO, ECHO, TWICE, TWICE)]
    for id in there[State.PARKED]:
        lab.run(calls.park(id))
    for name in lab.index_names():
        if "queued" not in name:
            lab.redis.zadd(name, dict.fromkeys([str(id) for id in lab.redis.zrange(name, 0, 2)], 10**12), xx=True)
    return there


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_every_task_is_listed_once_whatever_the_page(lab: Lab, everywhere: dict[State, list[str]], limit: int) -> None:
    found = pages(lab, limit)
    assert all(len(page) == limit for page in found[:-1])
    assert sorted(flat(found)) == sorted(id for ids in everywhere.values() for id in ids)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("limit", [1, 3])
def test_every_task_of_a_state_is_listed_once(
    lab: Lab, everywhere: dict[State, list[str]], state: State, limit: int
) -> None:
    assert sorted(flat(pages(lab, limit, state=state))) == sorted(everywhere[state])


@pytest.mark.parametrize("contract", ["lab.twice", "push.send"])
def test_a_contract_filters(lab: Lab, everywhere: dict[State, list[str]], contract: str) -> None:
    lab.batch(1)
    expected = everywhere[State.PARKED][2:] if contract == "lab.twice" else flat(pages(lab, 9, contract="push.send"))
    assert sorted(flat(pages(lab, 1, contract=contract))) == sorted(expected)
    assert len(expected) == (2 if contract == "lab.twice" else 1)


def test_a_state_is_listed_newest_first(both: Lab) -> None:
    ids = [both.submit() for _ in range(5)]
    assert flat(pages(both, 2, state=State.QUEUED)) == ids[::-1]


def test_what_comes_while_one_pages_moves_no_page(lab: Lab) -> None:
    ids = [lab.ended(State.SUCCEEDED) for _ in range(6)]
    lab.redis.zadd(keys.state("succeeded"), dict.fromkeys(ids, 10**12))
    found = pages(lab, 2, lambda: lab.ended(State.SUCCEEDED), state=State.SUCCEEDED)
    assert flat(found) == sorted(ids, reverse=True)


def test_what_goes_while_one_pages_moves_no_page(lab: Lab) -> None:
    ids = [lab.submit() for _ in range(6)]
    found = pages(lab, 2, lambda: lab.run(calls.cancel(ids[4], LIMITS)), state=State.QUEUED)
    assert flat(found) == ids[::-1]


def test_a_list_goes_on_when_the_place_it_stood_at_is_gone(lab: Lab) -> None:
    parked = [lab.submit() for _ in range(2)]
    for id in parked:
        lab.run(calls.park(id))
    dead = lab.ended(State.DEAD)

    def release() -> None:
        lab.run(calls.announce("w1", 60, [ECHO], []))
        lab.sweep()

    found = flat(pages(lab, 1, release))
    assert found[-1] == dead
    assert len(found) == len(set(found)) == 2


def test_packs_of_a_batch_are_listed_in_their_order(both: Lab) -> None:
    both.submit()
    batch = both.batch(1, 1, 1, 1, 1)
    both.claim(f"{batch}.3", PUSH)
    packs = [f"{batch}.{number}" for number in range(5)]
    assert flat(pages(both, 2, batch=batch)) == packs
    assert flat(pages(both, 2, batch=batch, state=State.RUNNING)) == [packs[3]]
    assert flat(pages(both, 2, batch=batch, state=State.QUEUED)) == [*packs[:3], packs[4]]
    assert flat(pages(both, 2, batch="0" * 26)) == []


def test_a_page_shows_how_tasks_ended(lab: Lab) -> None:
    failed, succeeded = lab.ended(State.FAILED), lab.ended(State.SUCCEEDED)
    tasks, _ = lab.run(calls.list_tasks(10))
    assert tasks == [lab.read(failed), lab.read(succeeded)]


def test_a_filter_that_matches_little_gives_short_pages_that_go_on(lab: Lab) -> None:
    needle = lab.submit(TWICE)
    lab.batch(*[1] * 1_200)
    lab.redis.zunionstore(keys.queued("default"), [keys.queued("default"), keys.queued("bulk")])
    found = pages(lab, 5, contract="lab.twice")
    assert flat(found) == [needle]
    assert len(found) > 1


def test_a_record_that_expired_is_passed_over(lab: Lab) -> None:
    ids = [lab.ended(State.SUCCEEDED) for _ in range(3)]
    lab.redis.zadd(keys.state("succeeded"), {id: at for at, id in enumerate(ids)})  # at different times
    lab.redis.delete(keys.task(ids[1]))
    assert flat(pages(lab, 1)) == [ids[2], ids[0]]
