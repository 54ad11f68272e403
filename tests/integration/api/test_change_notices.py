"""The one subscription of a process, on which all who wait depend."""

import asyncio
from functools import partial
from typing import Any

import pytest
from redis import Redis as Client
from redis.asyncio.client import PubSub

from handoff_api.watcher import CHANNEL, Watcher
from process import wait_until


async def test_whatever_ends_it_it_is_made_again(
    redis_url: str, redis: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when redis-py drops a connection in one task while another writes to it."""
    subscribe, faults = PubSub.subscribe, [AttributeError("'NoneType' object has no attribute 'writelines'")]

    async def subscribe_or_fail(self: PubSub, *channels: Any) -> Any:
        if channels != (CHANNEL,) and faults:
            raise faults.pop()
        return await subscribe(self, *channels)

    monkeypatch.setattr(PubSub, "subscribe", subscribe_or_fail)
    watcher = Watcher(redis_url)
    running = asyncio.create_task(watcher.run())
    with watcher.watch("some-task") as changed:
        heard = partial(redis.publish, f"{CHANNEL}some-task", "queued")
        assert await asyncio.to_thread(wait_until, lambda: bool(heard()), 30)
        async with asyncio.timeout(20):
            await changed.wait()
    assert not faults
    while not running.done():  # as the API ends it: redis-py swallows a cancellation that meets it while it connects
        running.cancel()
        await asyncio.wait([running], timeout=0.1)
    await watcher.aclose()
