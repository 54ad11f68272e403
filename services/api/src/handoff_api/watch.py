"""Waiting for a task or a batch to change: one pub/sub connection a process, however many wait.

A notice only says that something changed; what it is now is read. So a notice that was lost costs time, never the end.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from redis.asyncio.client import PubSub

from handoff_common.connect import async_client
from handoff_ledger import LedgerUnavailable, UnknownTask, keys

log = logging.getLogger(__name__)
T = TypeVar("T")
CHANNEL = keys.events("")
QUIET_SECONDS = 5.0  # a connection that is silent for so long is asked whether it is alive
AGAIN_SECONDS = 0.5  # between two attempts to connect
POLL_SECONDS = 5.0  # a change whose notice was lost is seen after so long


class Watcher:
    """Wakes those who wait for an id when Redis says that it changed."""

    def __init__(self, url: str) -> None:
        self._redis = async_client(url)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._dirty = asyncio.Event()
        self._stopping = False

    @contextmanager
    def watch(self, id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the id may have changed, and once the subscription holds."""
        event = asyncio.Event()
        self._waiting.setdefault(id, set()).add(event)
        self._dirty.set()
        try:
            yield event
        finally:
            self._waiting[id].discard(event)
            if not self._waiting[id]:
                del self._waiting[id]
            self._dirty.set()

    async def follow(
        self, id: str, read: Callable[[], Awaitable[T]], ended: Callable[[T], bool], pace: float = 0.0
    ) -> AsyncIterator[T]:
        """What is there now, then what it became, at most once in `pace` seconds, up to its end or this process's."""
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
                    await asyncio.sleep(pace)
                await _within(POLL_SECONDS, changed)

    def stop(self) -> None:
        """Ends everything that follows: the process stops."""
        self._stopping = True
        self._wake(list(self._waiting))

    async def run(self) -> None:
        """Keeps the connection until it is cancelled."""
        while True:
            try:
                async with self._redis.pubsub() as pubsub, asyncio.TaskGroup() as tasks:
                    await pubsub.subscribe(CHANNEL)  # nothing is sent there; it makes the connection a subscribed one
                    tasks.create_task(self._subscribe(pubsub))
                    tasks.create_task(self._listen(pubsub))
            except* Exception as group:  # redis-py also raises AttributeError over a connection that it just lost
                log.debug("The subscription was lost", extra={"event": "watch.lost", "errors": len(group.exceptions)})
            await asyncio.sleep(AGAIN_SECONDS)

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _subscribe(self, pubsub: PubSub) -> None:
        """Brings the subscriptions in line with those who wait, whenever these change."""
        known: set[str] = set()
        while True:
            self._dirty.clear()
            wanted = set(self._waiting)
            if wanted - known:
                await pubsub.subscribe(*(CHANNEL + id for id in wanted - known))
            if known - wanted:
                await pubsub.unsubscribe(*(CHANNEL + id for id in known - wanted))
            known = wanted
            if _ending():
                return
            await self._dirty.wait()

    async def _listen(self, pubsub: PubSub) -> None:
        asked = False
        while not _ending():
            message = await pubsub.get_message(timeout=QUIET_SECONDS)
            if message is None:
                if asked:
                    raise ConnectionError("the subscription is dead")
                await pubsub.ping()
            elif message["type"] in ("message", "subscribe"):
                self._wake([message["channel"].removeprefix(CHANNEL)])
            asked = message is None

    def _wake(self, ids: Iterable[str]) -> None:
        for id in ids:
            for event in self._waiting.get(id, ()):
                event.set()


def _ending() -> bool:
    """Whether this task was cancelled: up to Python 3.11 `wait_for`, and so redis-py, may swallow that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
