"""Runs a handler once with one payload, and returns the outcome."""

import asyncio
from typing import Any

from pydantic import ValidationError

from handoff_common.deadline import Deadline
from handoff_ledger import Failure
from handoff_worker.binding import Binding
from handoff_worker.execution.interrupt import interruptible
from handoff_worker.execution.outcomes import TIME_LIMIT, Failed, Outcome, RetryLater, Succeeded, outcome_of
from handoff_worker.resources import Resources

RESULT_LIMIT_BYTES = 256 * 1024  # of a result's JSON
BAD_PAYLOAD = Failure(code="bad_payload", message="The payload does not fit this worker's version of the contract.")
BAD_RESULT = Failure(code="bad_result", message="The handler's result does not fit its contract, or is too large.")


class Attempt:
    """Runs a binding's handler. Every exception of the handler becomes an `Outcome`."""

    def __init__(self, binding: Binding, resources: Resources) -> None:
        self.binding = binding
        self._resources = resources
        self._time_limit = Deadline(binding.contract.policy.time_limit)

    async def run_async(self, payload: Any) -> Outcome:
        """Runs an async handler, and cancels it at its time limit.

        Raises:
            CancelledError: the caller's own task was cancelled.
        """
        try:
            parsed = self.binding.contract.payload.model_validate(payload)
        except ValidationError:
            return Failed(BAD_PAYLOAD)
        limit = self._time_limit.scope()
        try:
            with limit:
                return self._succeed(await self.binding.handler(parsed, self._resources))
        except asyncio.CancelledError as error:
            running = asyncio.current_task()
            if running and running.cancelling():
                raise
            return self._outcome_of(error)  # the handler awaited something that was cancelled
        except Exception as error:
            return RetryLater(TIME_LIMIT) if limit.expired else self._outcome_of(error)

    def run_sync(self, payload: Any) -> Outcome:
        """Runs a sync handler in this thread. A signal interrupts it at its time limit or at its cancellation."""
        try:
            parsed = self.binding.contract.payload.model_validate(payload)
        except ValidationError:
            return Failed(BAD_PAYLOAD)
        try:
            with interruptible(self.binding.contract.policy.time_limit):
                result = self.binding.handler(parsed, self._resources)
            return self._succeed(result)
        except Exception as error:
            return self._outcome_of(error)

    def _succeed(self, result: Any) -> Outcome:
        if not isinstance(result, self.binding.contract.result):
            return Failed(BAD_RESULT)
        text = result.__pydantic_serializer__.to_json(result)
        return Succeeded(text) if len(text) <= RESULT_LIMIT_BYTES else Failed(BAD_RESULT)

    def _outcome_of(self, error: BaseException) -> Outcome:
        return outcome_of(error, self.binding.contract.policy, self.binding.contract.name)
