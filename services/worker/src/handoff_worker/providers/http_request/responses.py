"""The response table for replies of any server on the internet."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff_contracts.tasks.http_request import IDEMPOTENT_METHODS, HttpRequest
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.delivery.retry_after import parse_retry_after

BODY_LIMIT = 64 * 1024  # bytes of a body that are read
RETRIED = {408, 425, 429}  # and every status from 500 on, except:
NOT_RETRIED = {501, 505, 510}
MIN_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS = 1.0, 3600.0
THROTTLED_SECONDS = 60.0  # after a 429 without Retry-After


@dataclass(frozen=True, slots=True)
class ReceivedReply:
    """A server's reply. `body` is complete unless `truncated`. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    truncated: bool
    broken: str = ""  # the reason, if the connection broke within the body


NO_REPLY = ReceivedReply(0, {}, b"", truncated=False)


@dataclass(slots=True)
class HttpProviderResponse(ProviderResponse):
    """A response with the reply, if one came."""

    received: ReceivedReply = NO_REPLY


def categorize_http_reply(request: HttpRequest, received: ReceivedReply) -> HttpProviderResponse:
    """The response by the reply's status and the statuses that the request expects."""
    status = received.status
    reason = f"status_{status}"
    if status in request.expect or (not request.expect and 200 <= status < 300):
        if received.broken and request.method in IDEMPOTENT_METHODS:
            return categorize_no_reply(request, received.broken)
        return HttpProviderResponse(Category.DELIVERED, received=received)
    if status == 410 and request.webhook:
        return HttpProviderResponse(Category.RECIPIENT_GONE, reason)
    if status in RETRIED or (status >= 500 and status not in NOT_RETRIED):
        seconds = parse_retry_after(received.headers.get("retry-after", ""), time.time())
        after = None if seconds is None else min(max(seconds, MIN_RETRY_AFTER_SECONDS), MAX_RETRY_AFTER_SECONDS)
        if status == 429:
            after = after or THROTTLED_SECONDS
        return HttpProviderResponse(Category.RETRY, reason, retry_after=after, throttled=status == 429)
    return HttpProviderResponse(Category.PAYLOAD_REJECTED, reason)


def categorize_no_reply(request: HttpRequest, reason: str) -> HttpProviderResponse:
    """The response if the server may have received the request: `retry` if the request can be repeated."""
    return HttpProviderResponse(Category.RETRY if request.repeatable else Category.UNKNOWN, reason)
