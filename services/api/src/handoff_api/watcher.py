"""Waits for tasks and batches to change, with one pub/sub connection per process for all waiting requests.

A notice only says that a record changed, and the waiting request then reads the record. A lost notice therefore only
delays the answer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from redis.asyncio.client import PubSub

from handoff_common.connections import async_client
from handoff_ledger import LedgerUnavailable, UnknownTask, keys

log = logging.getLogger(__name__)
T = TypeVar("T")
CHANNEL = keys.events("")
PING_AFTER_SECONDS = 5.0  # of silence on the connection
RECONNECT_SECONDS = 0.5
POLL_SECONDS = 5.0  # finds a change whose notice was lost


class Watcher:
    """Wakes the requests that wait for an id when Redis publishes that the record changed."""

    def __init__(self, url: str) -> None:
        self._redis = async_client(url)
        self._events: dict[str, set[asyncio.Event]] = {}
        self._ids_changed = asyncio.Event()
        self._stopping = False

    @contextmanager
    def watch(self, id: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set when the subscription starts, and whenever the record may have changed."""
        event = asyncio.Event()
        self._events.setdefault(id, set()).add(event)
        self._ids_changed.set()
        try:
            yield event
        finally:
            self._events[id].discard(event)
            if not self._events[id]:
                del self._events[id]
            self._ids_changed.set()

    async def follow(
        self,
        id: str,
        read: Callable[[], Awaitable[T]],
        ended: Callable[[T], bool],
        min_interval_seconds: float = 0.0,
    ) -> AsyncIterator[T]:
        """Yield the record now and after each change, until the record has ended or the process stops."""
        seen: T | None = None
        with self.watch(id) as changed:
            while not self._stopping:
                changed.clear()
                now: T | None
                try:
                    now = await read()
                except LedgerUnavailable:
                    now = seen
                except UnknownTask:
                    return
                if now is not None and now != seen:
                    seen = now
                    yield now
                    if ended(now):
                        return
                    await asyncio.sleep(min_interval_seconds)
                await _wait(changed, POLL_SECONDS)

    def stop(self) -> None:
        """End all `follow` iterators, because the process stops."""
        self._stopping = True
        self._wake(list(self._events))

    async def run(self) -> None:
        """Keep the connection until the task is cancelled."""
        while True:
            try:
                async with self._redis.pubsub() as pubsub, asyncio.TaskGroup() as tasks:
                    await pubsub.subscribe(CHANNEL)  # an unused channel, because redis-py must subscribe to read
                    tasks.create_task(self._subscribe(pubsub))
                    tasks.create_task(self._listen(pubsub))
            except* Exception as group:  # redis-py also raises AttributeError for a connection that it just lost
                log.debug(
                    "The subscription was lost", extra={"event": "subscription.lost", "errors": len(group.exceptions)}
                )
            await asyncio.sleep(RECONNECT_SECONDS)

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _subscribe(self, pubsub: PubSub) -> None:
        """Subscribe to exactly the ids that requests wait for, whenever these change."""
        known: set[str] = set()
        while True:
            self._ids_changed.clear()
            wanted = set(self._events)
            if wanted - known:
                await pubsub.subscribe(*(CHANNEL + id for id in wanted - known))
            if known - wanted:
                await pubsub.unsubscribe(*(CHANNEL + id for id in known - wanted))
            known = wanted
            if _is_cancelled():
                return
            await self._ids_changed.wait()

    async def _listen(self, pubsub: PubSub) -> None:
        pinged = False
        while not _is_cancelled():
            message = await pubsub.get_message(timeout=PING_AFTER_SECONDS)
            if message is None:
                if pinged:
                    raise ConnectionError("the subscription does not answer")
                await pubsub.ping()
            elif message["type"] in ("message", "subscribe"):
                self._wake([message["channel"].removeprefix(CHANNEL)])
            pinged = message is None

    def _wake(self, ids: Iterable[str]) -> None:
        for id in ids:
            for event in self._events.get(id, ()):
                event.set()


def _is_cancelled() -> bool:
    """Return whether this task was cancelled: redis-py's `wait_for` can swallow a cancellation on Python 3.11."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
