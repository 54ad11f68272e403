"""Runs one message's task: claim, handler, record."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import uvloop
from pydantic_core import from_json, to_json

from handoff_ledger import (
    Call,
    Claim,
    ClaimRefused,
    Failure,
    LedgerError,
    LedgerUnavailable,
    Limits,
    Stale,
    State,
    SyncLedger,
    calls,
)
from handoff_worker.binding import Binding
from handoff_worker.delivery.gone_callback import tell_gone
from handoff_worker.execution.attempt import Again, Attempt, Done, Failed, Held, Outcome, wait
from handoff_worker.execution.pack import Pack, Recipient, Recorded, told
from handoff_worker.execution.run_result import Ending
from handoff_worker.resources import Resources
from handoff_worker.task_id import bound_task_id

T = TypeVar("T")
log = logging.getLogger(__name__)
WATCH = 1.0  # seconds between two looks whether a running task is to be cancelled
RECORD_TIMEOUT_SECONDS = 600.0  # seconds that an outcome waits for Redis to come back
CANCELLED = Failure(code="cancelled", message="Cancelled while it was running.")
ITEMS_DEAD = Failure(code="items_dead", message="Some of its items used up their attempts.")


class Executor:
    """Runs tasks in one pool process, on its event loop and with its resources."""

    def __init__(
        self,
        ledger: SyncLedger,
        limits: Limits,
        resources: Resources,
        owner: str,
        draining: Callable[[], bool],
        queues: Sequence[str] = (),
    ) -> None:
        self._ledger = ledger
        self._limits = limits
        self._resources = resources
        self._owner = owner
        self._draining = draining
        self._queues = queues
        self._until = 0.0
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def run(self, binding: Binding, id: str, until: float = 0.0) -> Ending:
        """Runs the task, unless it is not to be run. What it came to is in the ledger when this returns.

        `until` then, on the monotonic clock, a task that succeeds is followed by the next one of its queue.
        """
        self._until = until
        try:
            claim = self._ledger.run(calls.claim(id, self._owner, binding.contract, self._limits))
        except LedgerUnavailable:
            return Ending(refused="ledger_unavailable")  # it is published again, or its lease ends
        if isinstance(claim, ClaimRefused):
            return Ending(refused=claim.why)
        return self.run_claimed(binding, claim)

    def run_claimed(self, binding: Binding, claim: Claim) -> Ending:
        """Runs a task that this worker has claimed."""
        attempt = Attempt(binding, self._resources)
        try:
            return self._pack(claim, attempt) if claim.common else self._single(claim, attempt)
        except Stale:
            log.warning("The lease was lost.", extra={"event": "task.stale", "task": claim.id})
            return Ending(refused="stale")

    def close(self) -> None:
        """Closes the resources and the event loop."""
        self._runner.run(self._resources.aclose())
        self._runner.close()
        self._ledger.close()

    def _single(self, claim: Claim, attempt: Attempt) -> Ending:
        payload = from_json(claim.payload)
        if not attempt.binding.asynchronous:
            with bound_task_id(claim.id):
                outcome = attempt.in_place(payload)
            return self._end(claim, attempt.binding, outcome)
        try:
            context = contextvars.copy_context()  # what a handler sets there is gone with it
            outcome = self._runner.run(self._watched(claim.id, attempt.on_loop(payload)), context=context)
        except asyncio.CancelledError:
            return self._cancelled(claim)
        return self._end(claim, attempt.binding, outcome)

    async def _watched(self, id: str, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Cancels the work when that was asked for. Most of it has ended before anybody looks."""
        loop, running = asyncio.get_running_loop(), asyncio.current_task()
        looking: set[asyncio.Task[None]] = set()
        timer = loop.call_later(WATCH, lambda: looking.add(loop.create_task(self._look(id, running))))
        try:
            with bound_task_id(id):
                return await work
        finally:
            timer.cancel()
            for each in looking:
                each.cancel()

    async def _look(self, id: str, running: asyncio.Task[Any] | None) -> None:
        while True:
            with suppress(LedgerError):
                if (await asyncio.to_thread(self._ledger.run, calls.read(id))).cancel_requested and running:
                    running.cancel()
            await asyncio.sleep(WATCH)

    def _cancelled(self, claim: Claim) -> Ending:
        return Ending(self._run_with_retry(calls.fail(claim, CANCELLED, self._limits, State.CANCELLED)), CANCELLED.code)

    def _end(self, claim: Claim, binding: Binding, outcome: Outcome) -> Ending:
        if isinstance(outcome, Done):
            return self._succeeded(claim, outcome.result)
        if isinstance(outcome, Held):
            return self._hold(claim, outcome)
        if isinstance(outcome, Failed):
            self._tell(claim, [outcome.gone] if outcome.gone else [])
            return Ending(self._run_with_retry(calls.fail(claim, outcome.failure, self._limits)), outcome.failure.code)
        after = wait(binding.contract.policy, claim.attempt, outcome.after)
        state = self._run_with_retry(calls.retry(claim, after, outcome.failure, self._limits))
        return Ending(state, outcome.failure.code, after)

    def _succeeded(self, claim: Claim, result: bytes) -> Ending:
        queues = self._queues if time.monotonic() < self._until and not self._draining() else ()
        try:
            next = self._ledger.run(calls.finish_and_claim(claim, result, self._limits, queues))
        except LedgerUnavailable:  # when it is back, the run has lasted long enough
            next = self._run_with_retry(calls.finish(claim, result, self._limits))
        if isinstance(next, State):
            return Ending(next)
        if self._draining():
            self._run_with_retry(calls.give_back(next))
            return Ending(State.SUCCEEDED)
        return Ending(State.SUCCEEDED, next=next)

    def _hold(self, claim: Claim, held: Held) -> Ending:
        return Ending(self._run_with_retry(calls.give_back(claim, held.after)), held.failure.code, held.after)

    def _record(self, claim: Claim, outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
        self._tell(claim, gone)
        return self._run_with_retry(calls.record(claim, outcomes))

    def _tell(self, claim: Claim, gone: Sequence[Recipient]) -> None:
        # Before the outcome is recorded: clients may hear of a recipient twice, but never not at all.
        if gone:
            tell_gone(self._run_with_retry, self._resources.settings.gone_callback_url, claim.id, gone, self._limits)

    def _run_with_retry(self, call: Call[T]) -> T:
        # What was done must be recorded as what it was, however long Redis is away.
        return self._ledger.run_with_retry(call, RECORD_TIMEOUT_SECONDS)

    def _pack(self, claim: Claim, attempt: Attempt) -> Ending:
        async def record(outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
            return await asyncio.to_thread(self._record, claim, outcomes, gone)

        async def run() -> Pack:
            pack = Pack(claim, attempt, record, self._draining)
            await pack.run()
            return pack

        pack = self._runner.run(run())
        if pack.cancelled:
            return self._cancelled(claim)
        if pack.drained:
            return Ending(self._run_with_retry(calls.give_back(claim)), "worker_stopping")
        if pack.held:
            return self._hold(claim, pack.held)
        if not pack.again:
            return self._succeeded(claim, to_json(None))
        if claim.attempt < claim.max_attempts:
            slowest = max(pack.again.values(), key=lambda again: again.after or 0.0)
            return self._end(claim, attempt.binding, Again(slowest.failure, slowest.after))
        dead = [told(at, again, last=True) for at, again in pack.again.items()]
        self._run_with_retry(calls.record(claim, dead))
        return Ending(self._run_with_retry(calls.fail(claim, ITEMS_DEAD, self._limits, State.DEAD)), ITEMS_DEAD.code)
