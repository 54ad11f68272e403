"""The response table of APNs."""

from collections.abc import Mapping

from pydantic_core import from_json

from handoff_worker.delivery.http import Reply
from handoff_worker.delivery.responses import (
    Category,
    ProviderResponse,
    categories_by_code,
    category_of_status,
    delivered,
    snake_case,
)

REASONS: Mapping[Category, str] = {
    Category.RECIPIENT_GONE: "BadDeviceToken ExpiredToken Unregistered",
    # Apple does not accept the key, team or topic of the app's file: no notification gets through.
    Category.CREDENTIAL_REJECTED: "BadCertificate BadCertificateEnvironment BadEnvironmentKeyIdInToken BadTopic "
    "ExpiredProviderToken Forbidden InvalidProviderToken MissingProviderToken MissingTopic TopicDisallowed "
    "UnrelatedKeyIdInToken",
    Category.RETRY: "IdleTimeout InternalServerError ServiceUnavailable Shutdown TooManyProviderTokenUpdates "
    "TooManyRequests",
    Category.PAYLOAD_REJECTED: "BadCollapseId BadExpirationDate BadMessageId BadPath BadPriority "
    "DeviceTokenNotForTopic DuplicateHeaders InvalidPushType MethodNotAllowed MissingDeviceToken PayloadEmpty "
    "PayloadTooLarge",
}
CATEGORIES = categories_by_code(REASONS)
FLEET_WIDE = {"TooManyProviderTokenUpdates"}  # TooManyRequests is about one device


def categorize_apns_reply(reply: Reply) -> ProviderResponse:
    """The response by the reply's reason, or by its status if the reason is unknown."""
    if reply.status == 200:
        return delivered(reply.headers.get("apns-id", ""))
    reason, after = read_reason(reply.body), reply.retry_after
    if reason in CATEGORIES:
        throttled = reason in FLEET_WIDE
        return ProviderResponse(CATEGORIES[reason], snake_case(reason), retry_after=after, throttled=throttled)
    category = Category.RECIPIENT_GONE if reply.status == 410 else category_of_status(reply.status)
    return ProviderResponse(category, f"http_{reply.status}", retry_after=after)


def read_reason(body: bytes) -> str:
    """Apple's reason in a reply's body; empty if there is none."""
    try:
        reason = from_json(body)["reason"]
    except (ValueError, TypeError, KeyError):
        return ""
    return reason if isinstance(reason, str) else ""
