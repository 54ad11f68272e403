"""A channel: a provider under one credential. What is sent through it keeps its rate, and stops when it has to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from handoff_worker.delivery.rate_limiter import RateLimiter
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.errors import Fail, Gone, Retry, Unknown

A = TypeVar("A", bound=ProviderResponse)
THROTTLED_SECONDS = 60.0  # for a provider that says it is too much, but not for how long
REJECTED_SECONDS = 300.0  # a rejected credential is tried again after so long, or as soon as it is another one


@dataclass(frozen=True, slots=True)
class Channel:
    """`name`: provider:app:fingerprint of its credential; `rate`: most sends a second of the whole fleet, 0: any."""

    name: str
    rate: float = 0.0


async def send_through(
    channel: Channel, rate_limiter: RateLimiter, send: Callable[[], Awaitable[A]], *, recipient: str = ""
) -> A:
    """Sends once it may be sent. Gives the response if it was delivered.

    Raises:
        Retry, Gone, Fail, Unknown: it was not, or nobody knows.
        Hold: the channel is paused or far behind; nothing was sent.
    """
    await rate_limiter.admit(channel.name, channel.rate)
    response = await send()
    if response.throttled:
        await rate_limiter.hold(channel.name, "throttled", response.retry_after or THROTTLED_SECONDS)
    if response.category is Category.DELIVERED:  # as nearly all are
        return response
    reason = response.reason or response.category.value
    match response.category:
        case Category.RECIPIENT_GONE:
            raise Gone(channel.name.rpartition(":")[0], recipient)
        case Category.PAYLOAD_REJECTED:
            raise Fail("payload_rejected", f"The provider refused what was sent: {reason}.")
        case Category.CREDENTIAL_REJECTED:
            await rate_limiter.hold(channel.name, "credential_rejected", REJECTED_SECONDS)
            raise rate_limiter.held("credential_rejected", REJECTED_SECONDS)
        case Category.UNKNOWN:
            raise Unknown(message=f"Whether it was delivered is not known: {reason}.")
        case Category.RETRY:
            raise Retry(reason, "The provider asked to try again.", response.retry_after)
