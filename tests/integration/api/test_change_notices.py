"""The subscription of a process, which all waiting requests share."""

import asyncio
from functools import partial
from typing import Any

import pytest
from redis import Redis as Client
from redis.asyncio.client import PubSub

from handoff_api.watcher import CHANNEL, Watcher
from process import wait_until


async def test_a_lost_subscription_is_renewed(redis_url: str, redis: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """redis-py raises this error when one task drops the connection while another task writes to it."""
    subscribe, errors = PubSub.subscribe, [AttributeError("'NoneType' object has no attribute 'writelines'")]

    async def subscribe_or_fail(self: PubSub, *channels: Any) -> Any:
        if channels != (CHANNEL,) and errors:
            raise errors.pop()
        return await subscribe(self, *channels)

    monkeypatch.setattr(PubSub, "subscribe", subscribe_or_fail)
    watcher = Watcher(redis_url)
    running = asyncio.create_task(watcher.run())
    with watcher.watch("some-task") as changed:
        notify = partial(redis.publish, f"{CHANNEL}some-task", "queued")
        assert await asyncio.to_thread(wait_until, lambda: bool(notify()), 30)
        async with asyncio.timeout(20):
            await changed.wait()
    assert not errors
    while not running.done():  # redis-py swallows a cancellation that arrives while it connects
        running.cancel()
        await asyncio.wait([running], timeout=0.1)
    await watcher.aclose()
