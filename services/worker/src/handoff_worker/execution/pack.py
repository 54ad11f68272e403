"""Runs a pack: its items concurrently, each outcome recorded before its place is given to the next item.

So what repeats after a worker's death is at most what was in flight: `policy.concurrency` items.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from handoff_ledger import Claim, State
from handoff_worker.execution.attempt import Again, Attempt, Done, Failed, Held
from handoff_worker.task_id import set_task_id

LINGER_SECONDS = 0.003  # an outcome waits so long for others, to be recorded together with them

Recorded = tuple[int, State, bytes]  # an item's place in its pack, how it ended, its result or error as JSON
Recipient = tuple[str, str]  # a channel, and a recipient that is no more
Record = Callable[[Sequence[Recorded], Sequence[Recipient]], Awaitable[bool]]  # gives whether to go on


@dataclass(slots=True)
class Chunk:
    """Outcomes that are recorded together, and whom to wake when they are."""

    outcomes: list[Recorded] = field(default_factory=list)
    gone: list[Recipient] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Pack:
    """The items of a claim that have no outcome yet."""

    def __init__(self, claim: Claim, attempt: Attempt, record: Record, draining: Callable[[], bool]) -> None:
        self._id = claim.id
        common = from_json(claim.common)
        recorded = {at: State(state) for chunk in claim.outcomes for at, state, _ in from_json(chunk)}
        items = enumerate(from_json(claim.payload))
        self._todo: Iterator[tuple[int, Any]] = iter(
            [(at, common | item) for at, item in items if not recorded.get(at, State.QUEUED).ended]
        )
        self._attempt = attempt
        self._record = record
        self._draining = draining
        self._running = 0  # runners that have not ended: no more items than these are in flight
        self._working = 0  # items without an outcome among those
        self._chunk = Chunk()
        self._over = False  # nobody records any more
        self._ready = asyncio.Event()
        self.again: dict[int, Again] = {}  # items to be tried again
        self.held: Held | None = None  # why it stopped before its end: it may not go on now
        self.cancelled = False
        self.drained = False  # stopped before its end, because the worker stops

    async def run(self) -> None:
        """Runs until every item is recorded or is to be tried again.

        Raises:
            Stale: another attempt has the pack.
            LedgerUnavailable: Redis was away too long.
        """
        policy = self._attempt.binding.contract.policy
        self._loop = asyncio.get_running_loop()
        self._running = policy.concurrency if self._attempt.binding.asynchronous else 1
        try:
            async with asyncio.TaskGroup() as group:
                recorder = group.create_task(self._recorder())
                runners = [group.create_task(self._runner()) for _ in range(self._running)]
                await asyncio.wait(runners)
                recorder.cancel()
                if any(runner.cancelled() for runner in runners):
                    raise RuntimeError("A handler cancelled what ran it: its item has no outcome.")
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _runner(self) -> None:
        try:
            await self._run()
        finally:
            self._running -= 1

    async def _run(self) -> None:
        attempt = self._attempt
        for at, item in self._todo:
            set_task_id(f"{self._id}.{at}")
            self._working += 1
            try:
                outcome = await attempt.on_loop(item) if attempt.binding.asynchronous else attempt.in_place(item)
            finally:
                self._working -= 1
            if isinstance(outcome, Held):
                self.held = outcome
            elif isinstance(outcome, Again):
                self.again[at] = outcome
            else:
                await self._put(at, outcome)
            if self.cancelled or self.held or self._stop():
                return

    def _stop(self) -> bool:
        self.drained = self.drained or self._draining()
        return self.drained

    async def _put(self, at: int, outcome: Done | Failed) -> None:
        if self._over:
            raise asyncio.CancelledError  # as was asked for, of a handler that did not heed it
        chunk = self._chunk
        if not chunk.outcomes:
            self._linger = self._loop.call_later(LINGER_SECONDS, self._ready.set)
        chunk.outcomes.append(told(at, outcome))
        if isinstance(outcome, Failed) and outcome.gone:
            chunk.gone.append(outcome.gone)
        # Half are enough, for the others go on meanwhile; and where nothing is under way there are none to wait for.
        if not self._working or 2 * len(chunk.outcomes) >= self._running:
            self._ready.set()
        recorded = self._loop.create_future()
        chunk.waiting.append(recorded)
        await recorded

    async def _recorder(self) -> None:
        try:
            while True:
                await self._ready.wait()  # set when there is an outcome, so a timer too
                self._ready.clear()
                chunk, self._chunk = self._chunk, Chunk()
                self._linger.cancel()
                self.cancelled = not await self._record(chunk.outcomes, chunk.gone) or self.cancelled
                for recorded in chunk.waiting:
                    if not recorded.done():
                        recorded.set_result(None)
        finally:
            self._over = True


def told(at: int, outcome: Done | Failed | Again, *, last: bool = False) -> Recorded:
    """An item's outcome as the ledger keeps it; in the `last` attempt, one to be tried again is dead."""
    if isinstance(outcome, Done):
        return at, State.SUCCEEDED, outcome.result
    return at, State.DEAD if last else State.FAILED, outcome.failure.model_dump_json().encode()
