"""One timer for many runs: each ends at its own limit, whoever began or ended before it."""

import asyncio
import time

import pytest

from handoff_common.deadline import TimeLimit


async def sleeper(limit: TimeLimit, seconds: float) -> float | None:
    """Sleeps within the limit; gives after how long the limit ended it, if it did.

    One of 0 s ends in the loop's next turn, before any timer.
    """
    began = time.monotonic()
    try:
        with limit.watch():
            await asyncio.sleep(seconds)
    except TimeoutError:
        return time.monotonic() - began
    return None


async def test_each_run_has_its_own_limit() -> None:
    limit = TimeLimit(0.2)
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(sleeper(limit, seconds)) for seconds in (60, 0, 60)]
        await asyncio.sleep(0.1)
        runs.append(group.create_task(sleeper(limit, 60)))
    first, short, third, late = [run.result() for run in runs]
    assert short is None
    for ended in (first, third, late):
        assert ended is not None
        assert 0.19 <= ended < 30


async def test_another_run_begins_after_the_last_has_ended() -> None:
    limit = TimeLimit(0.1)
    for _ in range(3):
        assert await sleeper(limit, 0) is None
        await asyncio.sleep(0.03)  # time passes: the limit of the next counts from its own begin
    ended = await sleeper(limit, 60)
    assert ended is not None
    assert 0.09 <= ended < 30


async def test_what_its_limit_cancelled_may_go_on_awaiting() -> None:
    async def run() -> str:
        with pytest.raises(TimeoutError), TimeLimit(0.02).watch():
            await asyncio.sleep(60)
        await asyncio.sleep(0.01)
        return "went on"

    assert await asyncio.create_task(run()) == "went on"


async def test_a_cancellation_from_outside_is_none_of_the_limits() -> None:
    limit = TimeLimit(60)
    running = asyncio.create_task(sleeper(limit, 60))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
