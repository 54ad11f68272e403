"""`AsyncLedger`: runs the ledger's calls from the API's event loop, and never waits longer than its bound."""

import asyncio
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from handoff_ledger.calls import Call, Limits, Receipt, Submission, accept
from handoff_ledger.connect import TRANSIENT, async_client, unavailable
from handoff_ledger.errors import LedgerError, LedgerUnavailable
from handoff_ledger.scripts import load

T = TypeVar("T")
BOUND_S = 1.5  # the longest a call waits for Redis


class AsyncLedger:
    """The ledger for an event loop."""

    def __init__(self, url: str, limits: Limits) -> None:
        self.redis: Redis = async_client(url)
        self.limits = limits
        self._waiting: list[tuple[Submission, asyncio.Future[Receipt]]] = []
        self._flushes: set[asyncio.Task[None]] = set()

    async def run(self, call: Call[T]) -> T:
        """Runs one step.

        Raises:
            LedgerUnavailable: Redis did not take it within the bound; it may have been done all the same.
        """
        script = load(call.script)
        try:
            async with asyncio.timeout(BOUND_S):
                try:
                    reply = await self.redis.evalsha(script.sha, 0, *call.args)
                except NoScriptError:
                    reply = await self.redis.eval(script.text, 0, *call.args)
        except (*TRANSIENT, TimeoutError) as error:
            raise unavailable(error) from error
        return call.parse(reply)

    async def accept(self, submission: Submission) -> Receipt:
        """Accepts a task, in one round trip with all that are submitted in the same turn of the loop.

        Raises:
            QueueFull, IdempotencyConflict, LedgerUnavailable
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._waiting.append((submission, future))
        if len(self._waiting) == 1:
            flush = loop.create_task(self._flush())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
        return await future

    async def _flush(self) -> None:
        await asyncio.sleep(0)  # lets the other requests of this turn join
        waiting, self._waiting = self._waiting, []
        try:
            replies = await self.run(accept([submission for submission, _ in waiting], self.limits))
        except LedgerUnavailable as error:
            replies = [error] * len(waiting)
        for (_, future), reply in zip(waiting, replies, strict=True):
            if future.cancelled():
                continue
            if isinstance(reply, LedgerError):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    async def memory(self) -> float:
        """The share of its memory limit that Redis uses, 0.0 without a limit. Raises `LedgerUnavailable`."""
        try:
            async with asyncio.timeout(BOUND_S):
                info: dict[str, Any] = await self.redis.info("memory")
        except (*TRANSIENT, TimeoutError) as error:
            raise unavailable(error) from error
        return float(info["used_memory"] / info["maxmemory"]) if info["maxmemory"] else 0.0

    async def aclose(self) -> None:
        await self.redis.aclose()
