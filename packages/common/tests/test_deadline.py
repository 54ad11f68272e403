"""One timer serves many scopes: each expires after its own time, in any order of starts and ends."""

import asyncio
import time

import pytest

from handoff_common.deadline import Deadline


async def sleep_within(deadline: Deadline, seconds: float) -> float | None:
    """Sleeps within the deadline. Returns the seconds until the deadline expired, or None if it did not.

    A sleep of 0 s ends in the loop's next turn, before any timer.
    """
    began = time.monotonic()
    try:
        with deadline.scope():
            await asyncio.sleep(seconds)
    except TimeoutError:
        return time.monotonic() - began
    return None


async def test_each_scope_expires_after_its_own_time() -> None:
    deadline = Deadline(0.2)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sleep_within(deadline, seconds)) for seconds in (60, 0, 60)]
        await asyncio.sleep(0.1)
        tasks.append(group.create_task(sleep_within(deadline, 60)))
    first, short, third, late = [task.result() for task in tasks]
    assert short is None
    for expired in (first, third, late):
        assert expired is not None
        assert 0.19 <= expired < 30


async def test_a_scope_that_starts_after_all_others_ended_gets_the_full_time() -> None:
    deadline = Deadline(0.1)
    for _ in range(3):
        assert await sleep_within(deadline, 0) is None
        await asyncio.sleep(0.03)  # the time of an earlier scope must not count
    expired = await sleep_within(deadline, 60)
    assert expired is not None
    assert 0.09 <= expired < 30


async def test_a_task_can_await_after_its_deadline_expired() -> None:
    async def run() -> str:
        with pytest.raises(TimeoutError), Deadline(0.02).scope():
            await asyncio.sleep(60)
        await asyncio.sleep(0.01)
        return "went on"

    assert await asyncio.create_task(run()) == "went on"


async def test_a_cancellation_from_outside_is_not_a_timeout() -> None:
    deadline = Deadline(60)
    running = asyncio.create_task(sleep_within(deadline, 60))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
