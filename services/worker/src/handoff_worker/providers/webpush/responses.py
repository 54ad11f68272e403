"""The response table of the browsers' push services."""

from collections.abc import Mapping

from handoff_worker.delivery.http import Reply
from handoff_worker.delivery.responses import Category, ProviderResponse, category_of_status, delivered

# A body with one of these says that the subscription belongs to another VAPID key.
KEY_MISMATCH = (
    b"VapidPkHashMismatch",
    b"VAPID public key mismatch",
    b"do not correspond",
    b"UnauthorizedRegistration",
)
CATEGORIES: Mapping[int, Category] = {
    404: Category.RECIPIENT_GONE,
    406: Category.RETRY,  # WNS sends it instead of 429
    410: Category.RECIPIENT_GONE,
}  # category_of_status has the others
THROTTLED = {406, 429}


def categorize_push_service_reply(reply: Reply) -> ProviderResponse:
    """The response by the reply's status. A subscription to another VAPID key does not reject this credential."""
    status = reply.status
    if status in (200, 201, 202):
        return delivered(reply.headers.get("location", "").rpartition("/")[2][:256])
    if status in (400, 401, 403) and any(words in reply.body for words in KEY_MISMATCH):
        return ProviderResponse(Category.PAYLOAD_REJECTED, "vapid_key_mismatch")
    category = CATEGORIES.get(status, category_of_status(status))
    return ProviderResponse(category, f"http_{status}", retry_after=reply.retry_after, throttled=status in THROTTLED)
