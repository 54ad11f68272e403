"""A channel: a provider under one credential. What is sent through it keeps its pace, and stops when it has to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from handoff_worker.delivery.rate_limiter import Pace
from handoff_worker.delivery.responses import Answer, Answered
from handoff_worker.errors import Fail, RecipientGone, Retry, Unknown

A = TypeVar("A", bound=Answer)
THROTTLED_SECONDS = 60.0  # for a provider that says it is too much, but not for how long
REJECTED_SECONDS = 300.0  # a rejected credential is tried again after so long, or as soon as it is another one


@dataclass(frozen=True, slots=True)
class Channel:
    """`name`: provider:app:fingerprint of its credential; `rate`: most sends a second of the whole fleet, 0: any."""

    name: str
    rate: float = 0.0


async def send_through(channel: Channel, pace: Pace, send: Callable[[], Awaitable[A]], *, recipient: str = "") -> A:
    """Sends once it may be sent. Gives the answer if it was delivered.

    Raises:
        Retry, RecipientGone, Fail, Unknown: it was not, or nobody knows.
        Snooze: the channel is paused or far behind; nothing was sent.
    """
    await pace.admit(channel.name, channel.rate)
    answer = await send()
    if answer.throttled:
        await pace.hold(channel.name, "throttled", answer.after or THROTTLED_SECONDS)
    if answer.verdict is Answered.DELIVERED:  # as nearly all are
        return answer
    reason = answer.reason or answer.verdict.value
    match answer.verdict:
        case Answered.RECIPIENT_GONE:
            raise RecipientGone(channel.name.rpartition(":")[0], recipient)
        case Answered.PAYLOAD_REJECTED:
            raise Fail("payload_rejected", f"The provider refused what was sent: {reason}.")
        case Answered.CREDENTIAL_REJECTED:
            await pace.hold(channel.name, "credential_rejected", REJECTED_SECONDS)
            raise pace.held("credential_rejected", REJECTED_SECONDS)
        case Answered.UNKNOWN:
            raise Unknown(message=f"Whether it was delivered is not known: {reason}.")
        case Answered.RETRY:
            raise Retry(reason, "The provider asked to try again.", answer.after)
