"""What APNs responses, and what that means."""

import re
from collections.abc import Mapping

from pydantic_core import from_json

from handoff_worker.delivery.http import Reply, retry_after
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered

MEANINGS: Mapping[Category, str] = {
    Category.RECIPIENT_GONE: "BadDeviceToken ExpiredToken Unregistered",
    # The app's file and Apple don't agree on a key, a team or a topic: no notification gets through.
    Category.CREDENTIAL_REJECTED: "BadCertificate BadCertificateEnvironment BadEnvironmentKeyIdInToken BadTopic "
    "ExpiredProviderToken Forbidden InvalidProviderToken MissingProviderToken MissingTopic TopicDisallowed "
    "UnrelatedKeyIdInToken",
    Category.RETRY: "IdleTimeout InternalServerError ServiceUnavailable Shutdown TooManyProviderTokenUpdates "
    "TooManyRequests",
    Category.PAYLOAD_REJECTED: "BadCollapseId BadExpirationDate BadMessageId BadPath BadPriority "
    "DeviceTokenNotForTopic DuplicateHeaders InvalidPushType MethodNotAllowed MissingDeviceToken PayloadEmpty "
    "PayloadTooLarge",
}
REASONS = {reason: category for category, reasons in MEANINGS.items() for reason in reasons.split()}
FLEET_WIDE = {"TooManyProviderTokenUpdates"}  # TooManyRequests means one device


def categorize_apns_reply(reply: Reply) -> ProviderResponse:
    """What a reply means: its reason tells, or its status when nobody has told of that reason."""
    if reply.status == 200:
        return delivered(reply.headers.get("apns-id", ""))
    reason, after = told_reason(reply.body), retry_after(reply)
    if reason not in REASONS:
        return ProviderResponse(by_status(reply.status), f"http_{reply.status}", retry_after=after)
    return ProviderResponse(REASONS[reason], code(reason), retry_after=after, throttled=reason in FLEET_WIDE)


def by_status(status: int) -> Category:
    if status == 429 or status >= 500:
        return Category.RETRY
    if status in (401, 403):
        return Category.CREDENTIAL_REJECTED
    return Category.RECIPIENT_GONE if status == 410 else Category.PAYLOAD_REJECTED


def told_reason(body: bytes) -> str:
    try:
        reason = from_json(body)["reason"]
    except (ValueError, TypeError, KeyError):
        return ""
    return reason if isinstance(reason, str) else ""


def code(reason: str) -> str:
    """Apple's word as a code: bad_device_token."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", reason).lower()
