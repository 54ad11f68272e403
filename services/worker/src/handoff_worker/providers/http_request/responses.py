"""What the responses of any server of the internet mean."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from handoff_contracts.tasks.http_request import REPEATABLE, HttpRequest
from handoff_worker.delivery.responses import Category, ProviderResponse

READ = 64 * 1024  # bytes of a body that are read at most
AGAIN = {408, 425, 429}  # as is every status from 500 on, but these:
NEVER = {501, 505, 510}
AFTER_LIMIT_SECONDS = 3600.0  # nobody is waited for longer before it is tried again
THROTTLED_SECONDS = 60.0  # after a 429 that does not say


@dataclass(frozen=True, slots=True)
class Received:
    """What came back. `body` is whole unless `truncated`; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    truncated: bool
    broken: str = ""  # why the body broke off


NOTHING = Received(0, {}, b"", truncated=False)


@dataclass(slots=True)
class HttpProviderResponse(ProviderResponse):
    """An response with what came back, if anything did."""

    received: Received = NOTHING


def categorize_http_reply(request: HttpRequest, received: Received) -> HttpProviderResponse:
    """What an response means."""
    status = received.status
    reason = f"status_{status}"
    if status in request.expect or (not request.expect and 200 <= status < 300):
        if received.broken and request.method in REPEATABLE:
            return categorize_lost(request, received.broken)
        return HttpProviderResponse(Category.DELIVERED, received=received)
    if status == 410 and request.webhook:
        return HttpProviderResponse(Category.RECIPIENT_GONE, reason)
    if status in AGAIN or (status >= 500 and status not in NEVER):
        after = retry_after(received.headers.get("retry-after", ""), time.time())
        if status == 429:
            return HttpProviderResponse(Category.RETRY, reason, retry_after=after or THROTTLED_SECONDS, throttled=True)
        return HttpProviderResponse(Category.RETRY, reason, retry_after=after)
    return HttpProviderResponse(Category.PAYLOAD_REJECTED, reason)


def categorize_lost(request: HttpRequest, reason: str) -> HttpProviderResponse:
    """It may have been received. It is up to the request what follows."""
    return HttpProviderResponse(Category.RETRY if request.repeatable else Category.UNKNOWN, reason)


def retry_after(text: str, now: float) -> float | None:
    """The seconds that a Retry-After asks for, as a number or as an HTTP date; None without a valid one."""
    text = text.strip()
    try:
        plain = text.isascii() and text.isdecimal()
        seconds = float(text) if plain else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 1.0), AFTER_LIMIT_SECONDS)
