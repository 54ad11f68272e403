"""One attempt at one payload, and what it came to."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from handoff_common.deadline import TimeLimit
from handoff_contracts import Policy
from handoff_ledger import Failure
from handoff_worker.binding import Binding
from handoff_worker.errors import Fail, RecipientGone, Retry, Snooze, Unknown
from handoff_worker.execution.interrupt import Interrupted, interruptible
from handoff_worker.resources import Resources

log = logging.getLogger(__name__)
RESULT_LIMIT = 256 * 1024  # bytes of a result's JSON
TIME_LIMIT = Failure(code="time_limit", message="It ran longer than its contract allows.")
BAD_PAYLOAD = Failure(code="bad_payload", message="The payload does not fit the contract that this worker knows.")
BAD_RESULT = Failure(code="bad_result", message="The handler's result does not fit its contract, or is too large.")


@dataclass(frozen=True, slots=True)
class Done:
    """The handler's result as JSON."""

    result: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """Trying again is useless. `gone`: the channel and the recipient that is no more."""

    failure: Failure
    gone: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Trying again may help. `after`: seconds that the handler asked for."""

    failure: Failure
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """It may not be done before `after` seconds; this was no attempt."""

    failure: Failure
    after: float


Outcome = Done | Failed | Again | Held


class Attempt:
    """Runs a binding's handler. Whatever it does ends as an `Outcome`."""

    def __init__(self, binding: Binding, resources: Resources) -> None:
        self.binding = binding
        self._resources = resources
        self._limit = TimeLimit(binding.contract.policy.time_limit)

    async def on_loop(self, payload: Any) -> Outcome:
        """An async handler, cancelled at its time limit."""
        try:
            parsed = self.binding.contract.payload.model_validate(payload)
        except ValidationError:
            return Failed(BAD_PAYLOAD)
        limit = self._limit.watch()
        try:
            with limit:
                return self._done(await self.binding.handler(parsed, self._resources))
        except asyncio.CancelledError as error:
            running = asyncio.current_task()
            if running and running.cancelling():
                raise
            return self._judge(error)  # nobody cancelled this attempt: the handler awaited something that was
        except Exception as error:
            return Again(TIME_LIMIT) if limit.expired else self._judge(error)

    def in_place(self, payload: Any) -> Outcome:
        """A sync handler, in this thread; interrupted at its time limit, or when its cancellation is asked for."""
        try:
            parsed = self.binding.contract.payload.model_validate(payload)
        except ValidationError:
            return Failed(BAD_PAYLOAD)
        try:
            with interruptible(self.binding.contract.policy.time_limit):
                result = self.binding.handler(parsed, self._resources)
            return self._done(result)
        except Exception as error:
            return self._judge(error)

    def _done(self, result: Any) -> Outcome:
        if not isinstance(result, self.binding.contract.result):
            return Failed(BAD_RESULT)
        text = result.__pydantic_serializer__.to_json(result)
        return Done(text) if len(text) <= RESULT_LIMIT else Failed(BAD_RESULT)

    def _judge(self, error: BaseException) -> Outcome:
        if isinstance(error, Retry):
            return Again(error.failure, error.after)
        if isinstance(error, Fail):
            return Failed(error.failure, (error.channel, error.recipient) if isinstance(error, RecipientGone) else None)
        if isinstance(error, Unknown):
            repeat = self.binding.contract.policy.unknown == "repeat"
            return Again(error.failure) if repeat else Failed(error.failure)
        if isinstance(error, Snooze):
            return Held(error.failure, error.after)
        if isinstance(error, Interrupted):
            return Again(TIME_LIMIT)
        # Its text may quote the payload, so only its type and place are told.
        place = error.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
        kind = type(error).__name__
        log.error(
            "A handler raised.",
            extra={"event": "handler.raised", "contract": self.binding.contract.name, "error": kind, "where": where},
        )
        return Again(Failure(code="handler_error", message=f"The handler raised {kind}."))


def wait(policy: Policy, attempt: int, asked: float | None, chance: Callable[[], float] = random.random) -> float:
    """Seconds until the next attempt: what was asked for, or the back-off; plus up to a quarter of it as jitter."""
    doublings = min(attempt - 1, 1_000)  # a float holds no more
    backoff: float = min(policy.backoff * 2.0**doublings, policy.backoff_limit)
    base = backoff if asked is None else max(asked, 0.0)
    return base * (1 + chance() / 4)
