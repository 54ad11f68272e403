"""`AsyncLedger` runs the ledger's calls from an event loop, each within a time limit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ConnectionError, NoScriptError

from handoff_common.connections import COMMAND_TIMEOUT_SECONDS, async_client
from handoff_ledger.calls import Call, Limits, Receipt, Submission, accept, accept_batch, stage_packs
from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT
from handoff_ledger.errors import LedgerUnavailable
from handoff_ledger.outages import TRANSIENT, demoted, unavailable
from handoff_ledger.scripts import load

T = TypeVar("T")
GROUP = 12  # tasks in one accept: Redis executes one group while the API prepares the next
COALESCE_WINDOW_SECONDS = 0.001  # while Redis is busy, tasks wait for a fuller group, which costs less CPU
FSYNC_MS = int(COMMAND_TIMEOUT_SECONDS * 1000) - 100


class AsyncLedger:
    """The ledger for an event loop. `durable`: Redis syncs accepted work to disk before the reply."""

    def __init__(self, url: str, limits: Limits, *, durable: bool = False) -> None:
        self.redis: Redis = async_client(url)
        self.limits = limits
        self._durable = durable
        self._group = MAX_RECORDS_PER_SCRIPT if durable else GROUP  # the longer wait, for the disk, is shared by all
        self._waiting: list[tuple[Submission, asyncio.Future[Receipt]]] = []
        self._flushes: set[asyncio.Task[None]] = set()

    async def run(self, call: Call[T], *, durable: bool = False) -> T:
        """Runs a call and returns its value.

        Raises:
            LedgerUnavailable: Redis did not reply within `COMMAND_TIMEOUT_SECONDS`, but may have executed the call.
        """
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_SECONDS):
                reply = await self._repeated(self._confirmed if durable else self._evaluate, call)
        except (*TRANSIENT, TimeoutError) as error:
            if demoted(error):
                await self.redis.connection_pool.disconnect(inuse_connections=False)
            raise unavailable(error) from error
        return call.parse(reply)

    async def accept(self, submission: Submission) -> Receipt:
        """Accepts a task, in one round trip with others that arrive in the same iteration of the event loop.

        While another round trip is under way, tasks join for `COALESCE_WINDOW_SECONDS`.

        Raises:
            QueueFull, IdempotencyConflict, LedgerUnavailable
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._waiting.append((submission, future))
        if len(self._waiting) == 1:
            # An idle Redis gets the tasks of this iteration at once; a busy one gets those of the window.
            loop.call_later(COALESCE_WINDOW_SECONDS if self._flushes else 0, self._send)
        elif len(self._waiting) == self._group:
            self._send()
        return await future

    async def accept_batch(self, submission: Submission, packs: Sequence[tuple[bytes, int]]) -> Receipt:
        """Accepts a batch, whole or not at all. Calls before the last one stage the packs of a large batch.

        Raises:
            QueueFull, IdempotencyConflict, LedgerUnavailable
        """
        last_packs, staged = packs[:MAX_RECORDS_PER_SCRIPT], packs[MAX_RECORDS_PER_SCRIPT:]
        first_pack, first_item = len(last_packs), sum(items for _, items in last_packs)
        for at in range(0, len(staged), MAX_RECORDS_PER_SCRIPT):
            group = staged[at : at + MAX_RECORDS_PER_SCRIPT]
            await self.run(stage_packs(submission, group, first_pack, first_item))
            first_pack, first_item = first_pack + len(group), first_item + sum(items for _, items in group)
        return await self.run(accept_batch(submission, last_packs, self.limits, staged), durable=self._durable)

    def _send(self) -> None:
        if self._waiting:
            flush = asyncio.get_running_loop().create_task(self._flush(self._waiting))
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
            self._waiting = []

    async def _flush(self, waiting: Sequence[tuple[Submission, asyncio.Future[Receipt]]]) -> None:
        replies: Sequence[Receipt | Exception]
        try:
            call = accept([submission for submission, _ in waiting], self.limits)
            replies = [*await self.run(call, durable=self._durable)]
        except Exception as error:  # no caller may be left waiting
            replies = [error] * len(waiting)
        for (_, future), reply in zip(waiting, replies, strict=True):
            if future.cancelled():
                continue
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    async def _repeated(self, step: Callable[[Call[Any]], Awaitable[Any]], call: Call[Any]) -> Any:
        """Repeats a call when a pooled connection is older than Redis's restart. Every call may be repeated."""
        with suppress(ConnectionError):
            return await step(call)
        return await step(call)  # outside the `with`, so that the first error is not the context of the second

    async def _evaluate(self, call: Call[Any]) -> Any:
        script = load(call.script)
        try:
            return await self.redis.evalsha(script.sha, 0, *call.args)
        except NoScriptError:
            return await self.redis.eval(script.text, 0, *call.args)

    async def _confirmed(self, call: Call[Any]) -> Any:
        """Runs a call and waits for Redis's disk, on one connection, because WAITAOF covers only its own writes."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            await pipeline.eval(load(call.script).text, 0, *call.args)
            await pipeline.waitaof(1, 0, FSYNC_MS)
            reply, synced = await pipeline.execute(raise_on_error=False)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(synced, Exception) or not synced[0]:
            raise LedgerUnavailable("Redis did not sync the work to its disk in time, or keeps no append-only file.")
        return reply

    async def info(self, *sections: str) -> dict[str, Any]:
        """Returns Redis's INFO. Raises `LedgerUnavailable`."""
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_SECONDS):
                return await self.redis.info(*sections)
        except (*TRANSIENT, TimeoutError) as error:
            raise unavailable(error) from error

    async def aclose(self) -> None:
        await self.redis.aclose()
