"""The four outcomes of an attempt, and how an exception of a handler becomes one of them."""

import logging
from dataclasses import dataclass

from handoff_contracts import Policy
from handoff_ledger import Failure
from handoff_worker.errors import Fail, RecipientGone, Retry, Snooze, Unknown
from handoff_worker.execution.interrupt import Interrupted

log = logging.getLogger(__name__)
TIME_LIMIT = Failure(code="time_limit", message="The handler ran longer than its contract allows.")

Recipient = tuple[str, str]  # a channel, and the recipient's address on that channel


@dataclass(frozen=True, slots=True)
class Succeeded:
    """`result`: the handler's result as JSON."""

    result: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """No attempt can succeed. `gone`: a recipient that no longer exists."""

    failure: Failure
    gone: Recipient | None = None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """A later attempt may succeed. `after`: the seconds that the handler asked for; None for the back-off."""

    failure: Failure
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The work must wait for `after` seconds. The attempt does not count."""

    failure: Failure
    after: float


Outcome = Succeeded | Failed | RetryLater | Snoozed


def outcome_of(error: BaseException, policy: Policy, contract: str) -> Outcome:
    """Returns the outcome of an attempt whose handler raised `error`."""
    match error:
        case Retry():
            return RetryLater(error.failure, error.after)
        case RecipientGone():
            return Failed(error.failure, (error.channel, error.recipient))
        case Fail():
            return Failed(error.failure)
        case Unknown():
            return RetryLater(error.failure) if policy.unknown == "repeat" else Failed(error.failure)
        case Snooze():
            return Snoozed(error.failure, error.after)
        case Interrupted():
            return RetryLater(TIME_LIMIT)
        case _:
            return _unexpected(error, contract)


def _unexpected(error: BaseException, contract: str) -> RetryLater:
    """Logs the exception's type and place. Its text may quote the payload, so neither log nor outcome has it."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
    name = type(error).__name__
    log.error(
        "A handler raised an unexpected exception.",
        extra={"event": "handler.raised", "contract": contract, "error": name, "where": where},
    )
    return RetryLater(Failure(code="handler_error", message=f"The handler raised {name}."))
