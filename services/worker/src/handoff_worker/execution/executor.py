"""Runs claimed tasks: calls the handler, and records the outcome in the ledger."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import uvloop
from pydantic_core import from_json, to_json

from handoff_ledger import (
    Call,
    Claim,
    ClaimRefused,
    Failure,
    LedgerUnavailable,
    Limits,
    Stale,
    State,
    SyncLedger,
    calls,
)
from handoff_worker.binding import Binding
from handoff_worker.delivery.gone_callback import report_gone_recipients
from handoff_worker.execution.attempt import Attempt
from handoff_worker.execution.backoff import seconds_until_retry
from handoff_worker.execution.cancellation import run_cancellable
from handoff_worker.execution.outcomes import Failed, Outcome, Recipient, RetryLater, Snoozed, Succeeded
from handoff_worker.execution.pack import Pack, Recorded, to_record
from handoff_worker.execution.run_result import RunResult
from handoff_worker.resources import Resources
from handoff_worker.task_id import bound_task_id

T = TypeVar("T")
log = logging.getLogger(__name__)
RECORD_TIMEOUT_SECONDS = 600.0  # how long an outcome waits for Redis to come back
CANCELLED = Failure(code="cancelled", message="Cancelled while it was running.")
ITEMS_DEAD = Failure(code="items_dead", message="Some items used up their attempts.")


class Executor:
    """Runs tasks in one pool process, on its event loop and with its resources.

    `owner`: the worker's name in leases. `draining`: whether the worker stops. `queues`: the queues that the worker
    consumes, highest priority first.
    """

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
        self._claim_next_until = 0.0
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def run(self, binding: Binding, id: str, claim_next_until: float = 0.0) -> RunResult:
        """Claims and runs a task. The ledger has the outcome when this returns.

        Before `claim_next_until`, in seconds of the monotonic clock, a success also claims the next task of the queue.
        """
        self._claim_next_until = claim_next_until
        try:
            claim = self._ledger.run(calls.claim(id, self._owner, binding.contract, self._limits))
        except LedgerUnavailable:
            return RunResult(refused="ledger_unavailable")  # the reconciler publishes the task again
        if isinstance(claim, ClaimRefused):
            return RunResult(refused=claim.why)
        return self.run_claimed(binding, claim)

    def run_claimed(self, binding: Binding, claim: Claim) -> RunResult:
        """Runs a task that this worker has claimed."""
        attempt = Attempt(binding, self._resources)
        try:
            return self._run_pack(claim, attempt) if claim.common else self._run_single(claim, attempt)
        except Stale:
            log.warning("The worker lost the lease of a task.", extra={"event": "task.stale", "task": claim.id})
            return RunResult(refused="stale")

    def close(self) -> None:
        """Closes the resources, the event loop and the connection to the ledger."""
        self._runner.run(self._resources.aclose())
        self._runner.close()
        self._ledger.close()

    def _run_single(self, claim: Claim, attempt: Attempt) -> RunResult:
        payload = from_json(claim.payload)
        if not attempt.binding.asynchronous:
            with bound_task_id(claim.id):
                outcome = attempt.run_sync(payload)
            return self._record_outcome(claim, attempt.binding, outcome)
        with bound_task_id(claim.id):
            context = contextvars.copy_context()  # so that context variables of a handler end with its task
        try:
            work = run_cancellable(self._ledger, claim.id, attempt.run_async(payload))
            outcome = self._runner.run(work, context=context)
        except asyncio.CancelledError:
            return self._cancel(claim)
        return self._record_outcome(claim, attempt.binding, outcome)

    def _run_pack(self, claim: Claim, attempt: Attempt) -> RunResult:
        async def record(outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
            return await asyncio.to_thread(self._record_items, claim, outcomes, gone)

        async def run() -> Pack:
            pack = Pack(claim, attempt, record, self._draining)
            await pack.run()
            return pack

        pack = self._runner.run(run())
        if pack.cancelled:
            return self._cancel(claim)
        if pack.drained:
            return RunResult(self._run_with_retry(calls.give_back(claim)), "worker_stopping")
        if pack.snoozed:
            return self._snooze(claim, pack.snoozed)
        if not pack.retries:
            return self._succeed(claim, to_json(None))
        if claim.attempt < claim.max_attempts:
            slowest = max(pack.retries.values(), key=lambda retry: retry.after or 0.0)
            return self._record_outcome(claim, attempt.binding, slowest)
        dead = [to_record(at, retry, last_attempt=True) for at, retry in pack.retries.items()]
        self._run_with_retry(calls.record(claim, dead))
        return self._fail(claim, ITEMS_DEAD, State.DEAD)

    def _record_outcome(self, claim: Claim, binding: Binding, outcome: Outcome) -> RunResult:
        match outcome:
            case Succeeded():
                return self._succeed(claim, outcome.result)
            case Snoozed():
                return self._snooze(claim, outcome)
            case Failed():
                self._report_gone(claim, [outcome.gone] if outcome.gone else [])
                return self._fail(claim, outcome.failure)
            case RetryLater():
                after = seconds_until_retry(binding.contract.policy, claim.attempt, outcome.after)
                state = self._run_with_retry(calls.retry(claim, after, outcome.failure, self._limits))
                return RunResult(state, outcome.failure.code, after)

    def _succeed(self, claim: Claim, result: bytes) -> RunResult:
        queues = self._queues if time.monotonic() < self._claim_next_until and not self._draining() else ()
        try:
            reply = self._ledger.run(calls.finish_and_claim(claim, result, self._limits, queues))
        except LedgerUnavailable:  # the outage outlasts the run, so claim nothing more
            reply = self._run_with_retry(calls.finish(claim, result, self._limits))
        if isinstance(reply, State):
            return RunResult(reply)
        if self._draining():
            self._run_with_retry(calls.give_back(reply))
            return RunResult(State.SUCCEEDED)
        return RunResult(State.SUCCEEDED, next_claim=reply)

    def _fail(self, claim: Claim, failure: Failure, state: State = State.FAILED) -> RunResult:
        return RunResult(self._run_with_retry(calls.fail(claim, failure, self._limits, state)), failure.code)

    def _cancel(self, claim: Claim) -> RunResult:
        return self._fail(claim, CANCELLED, State.CANCELLED)

    def _snooze(self, claim: Claim, snoozed: Snoozed) -> RunResult:
        state = self._run_with_retry(calls.give_back(claim, snoozed.after))
        return RunResult(state, snoozed.failure.code, snoozed.after)

    def _record_items(self, claim: Claim, outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
        self._report_gone(claim, gone)
        return self._run_with_retry(calls.record(claim, outcomes))

    def _report_gone(self, claim: Claim, gone: Sequence[Recipient]) -> None:
        # Before the outcome: after a crash a client may read of a recipient twice, but never misses one.
        if gone:
            url = self._resources.settings.gone_callback_url
            report_gone_recipients(self._run_with_retry, url, claim.id, gone, self._limits)

    def _run_with_retry(self, call: Call[T]) -> T:
        # The handler's work is done, so its outcome waits for Redis.
        return self._ledger.run_with_retry(call, RECORD_TIMEOUT_SECONDS)
