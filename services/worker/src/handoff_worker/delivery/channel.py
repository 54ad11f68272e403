"""Channels: a provider under one credential. A channel limits the rate of its sends, and can be on hold."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from handoff_worker.delivery.rate_limiter import RateLimiter
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.errors import Fail, RecipientGone, Retry, Unknown

R = TypeVar("R", bound=ProviderResponse)
THROTTLED_SECONDS = 60.0  # used when a throttling provider does not say how long to wait
REJECTED_SECONDS = 300.0  # a new credential has another channel, so it is used at once


@dataclass(frozen=True, slots=True)
class Channel:
    """`name`: provider:app:fingerprint of the credential. `rate`: sends a second of the whole fleet; 0 is no limit."""

    name: str
    rate: float = 0.0


async def send_through(
    channel: Channel, rate_limiter: RateLimiter, send: Callable[[], Awaitable[R]], *, recipient: str = ""
) -> R:
    """Waits for the rate limiter, sends, and returns the response if its category is `delivered`.

    Raises:
        Retry, RecipientGone, Fail, Unknown: the response has another category.
        Snooze: the channel is on hold or its next permit is far away; nothing was sent.
    """
    await rate_limiter.admit(channel.name, channel.rate)
    response = await send()
    if response.throttled:
        await rate_limiter.hold(channel.name, "throttled", response.retry_after or THROTTLED_SECONDS)
    if response.category is Category.DELIVERED:  # first, because nearly all responses have this category
        return response
    reason = response.reason or response.category.value
    match response.category:
        case Category.RECIPIENT_GONE:
            raise RecipientGone(channel.name.rpartition(":")[0], recipient)
        case Category.PAYLOAD_REJECTED:
            raise Fail("payload_rejected", f"The provider rejected the payload: {reason}.")
        case Category.CREDENTIAL_REJECTED:
            await rate_limiter.hold(channel.name, "credential_rejected", REJECTED_SECONDS)
            raise rate_limiter.held("credential_rejected", REJECTED_SECONDS)
        case Category.UNKNOWN:
            raise Unknown(message=f"Whether the provider delivered it is unknown: {reason}.")
        case Category.RETRY:
            raise Retry(reason, "The provider asked for another attempt.", response.retry_after)
