"""Runs the items of a pack concurrently, and records each outcome before its runner takes the next item.

So a worker's death repeats at most the items in flight: `policy.concurrency` of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from handoff_ledger import Claim, State
from handoff_worker.execution.attempt import Attempt
from handoff_worker.execution.outcomes import Failed, Recipient, RetryLater, Snoozed, Succeeded
from handoff_worker.task_id import set_task_id

LINGER_SECONDS = 0.003  # how long an outcome waits for others, so that one call records them together

Recorded = tuple[int, State, bytes]  # an item's place in its pack, its state, and its result or error as JSON
Record = Callable[[Sequence[Recorded], Sequence[Recipient]], Awaitable[bool]]  # False when the pack is cancelled


@dataclass(slots=True)
class Unrecorded:
    """Outcomes that one call will record. Each future in `waiting` belongs to the runner of one outcome."""

    outcomes: list[Recorded] = field(default_factory=list)
    gone: list[Recipient] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Pack:
    """The items of a claim that have no recorded outcome yet.

    After `run`, `cancelled`, `drained` and `snoozed` say why it stopped early, in this order of precedence.
    """

    def __init__(self, claim: Claim, attempt: Attempt, record: Record, draining: Callable[[], bool]) -> None:
        self._id = claim.id
        common = from_json(claim.common)
        recorded = {at: State(state) for outcomes in claim.outcomes for at, state, _ in from_json(outcomes)}
        items = enumerate(from_json(claim.payload))
        self._todo: Iterator[tuple[int, Any]] = iter(
            [(at, common | item) for at, item in items if not recorded.get(at, State.QUEUED).ended]
        )
        self._attempt = attempt
        self._record = record
        self._draining = draining
        self._runners = 0  # runners that have not ended, so the most items in flight
        self._running = 0  # items whose handler runs
        self._unrecorded = Unrecorded()
        self._recorder_ended = False
        self._ready = asyncio.Event()
        self.retries: dict[int, RetryLater] = {}  # by the item's place
        self.snoozed: Snoozed | None = None
        self.cancelled = False
        self.drained = False  # the worker stops

    async def run(self) -> None:
        """Runs until every item is recorded or waits for a retry, or until the pack stops early.

        Raises:
            Stale: another attempt has the pack.
            LedgerUnavailable: Redis was away too long.
        """
        policy = self._attempt.binding.contract.policy
        self._loop = asyncio.get_running_loop()
        self._runners = policy.concurrency if self._attempt.binding.asynchronous else 1
        try:
            async with asyncio.TaskGroup() as group:
                recorder = group.create_task(self._record_until_cancelled())
                runners = [group.create_task(self._run_items()) for _ in range(self._runners)]
                await asyncio.wait(runners)
                recorder.cancel()
                if any(runner.cancelled() for runner in runners):
                    raise RuntimeError("A handler cancelled its runner: its item has no outcome.")
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _run_items(self) -> None:
        try:
            for at, item in self._todo:
                await self._run_item(at, item)
                if self._stops():
                    return
        finally:
            self._runners -= 1

    async def _run_item(self, at: int, item: Any) -> None:
        attempt = self._attempt
        set_task_id(f"{self._id}.{at}")
        self._running += 1
        try:
            outcome = await attempt.run_async(item) if attempt.binding.asynchronous else attempt.run_sync(item)
        finally:
            self._running -= 1
        if isinstance(outcome, Snoozed):
            self.snoozed = outcome
        elif isinstance(outcome, RetryLater):
            self.retries[at] = outcome
        else:
            await self._wait_until_recorded(at, outcome)

    def _stops(self) -> bool:
        if self.cancelled or self.snoozed:
            return True
        self.drained = self.drained or self._draining()
        return self.drained

    async def _wait_until_recorded(self, at: int, outcome: Succeeded | Failed) -> None:
        if self._recorder_ended:
            raise asyncio.CancelledError  # the pack has ended, but its handler ignored the cancellation
        unrecorded = self._unrecorded
        if not unrecorded.outcomes:
            self._linger = self._loop.call_later(LINGER_SECONDS, self._ready.set)
        unrecorded.outcomes.append(to_record(at, outcome))
        if isinstance(outcome, Failed) and outcome.gone:
            unrecorded.gone.append(outcome.gone)
        # Record early when half of the runners wait here, or when no handler runs that could add another outcome.
        if not self._running or 2 * len(unrecorded.outcomes) >= self._runners:
            self._ready.set()
        recorded = self._loop.create_future()
        unrecorded.waiting.append(recorded)
        await recorded

    async def _record_until_cancelled(self) -> None:
        try:
            while True:
                await self._ready.wait()  # set after the first outcome, so `_linger` exists
                self._ready.clear()
                unrecorded, self._unrecorded = self._unrecorded, Unrecorded()
                self._linger.cancel()
                self.cancelled = not await self._record(unrecorded.outcomes, unrecorded.gone) or self.cancelled
                for recorded in unrecorded.waiting:
                    if not recorded.done():
                        recorded.set_result(None)
        finally:
            self._recorder_ended = True


def to_record(at: int, outcome: Succeeded | Failed | RetryLater, *, last_attempt: bool = False) -> Recorded:
    """Returns an item's outcome as the ledger records it. After the last attempt a retry is recorded as dead."""
    if isinstance(outcome, Succeeded):
        return at, State.SUCCEEDED, outcome.result
    return at, State.DEAD if last_attempt else State.FAILED, outcome.failure.model_dump_json().encode()
