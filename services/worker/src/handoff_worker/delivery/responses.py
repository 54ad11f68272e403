"""One vocabulary for what providers response."""

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """What an response means for the one that it was asked for."""

    DELIVERED = "delivered"
    RETRY = "retry"
    RECIPIENT_GONE = "recipient_gone"
    PAYLOAD_REJECTED = "payload_rejected"
    CREDENTIAL_REJECTED = "credential_rejected"
    UNKNOWN = "unknown"


@dataclass(slots=True)  # frozen, it would take three times as long to make, and there are thousands a second
class ProviderResponse:
    """`reason`: the provider's own word for it, as a code like sender_id_mismatch; `id`: its name
    for what was delivered; `throttled`: all that use the credential are to wait, for `after` seconds.
    """

    category: Category
    reason: str = ""
    id: str = ""
    retry_after: float | None = None
    throttled: bool = False


def delivered(id: str = "") -> ProviderResponse:
    return ProviderResponse(Category.DELIVERED, id=id)
