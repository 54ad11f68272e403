"""The categories of what providers answer, and helpers for the tables that map replies to them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """What a provider's response means for one notification, mail or request."""

    DELIVERED = "delivered"
    RETRY = "retry"
    RECIPIENT_GONE = "recipient_gone"
    PAYLOAD_REJECTED = "payload_rejected"
    CREDENTIAL_REJECTED = "credential_rejected"
    UNKNOWN = "unknown"


@dataclass(slots=True)  # a frozen one takes three times as long to create, and there are thousands a second
class ProviderResponse:
    """A provider's response.

    `reason` is the provider's error as a code, like sender_id_mismatch. `id` is the provider's id of what it accepted.
    `throttled`: every send under the same credential waits for `retry_after` seconds.
    """

    category: Category
    reason: str = ""
    id: str = ""
    retry_after: float | None = None
    throttled: bool = False


def delivered(id: str = "") -> ProviderResponse:
    return ProviderResponse(Category.DELIVERED, id=id)


def categories_by_code(codes: Mapping[Category, str]) -> dict[str, Category]:
    """Inverts a table of categories and their codes, which are separated by spaces."""
    return {code: category for category, listed in codes.items() for code in listed.split()}


def category_of_status(status: int) -> Category:
    """The category of an HTTP error status whose body names no known code."""
    if status == 429 or status >= 500:
        return Category.RETRY
    return Category.CREDENTIAL_REJECTED if status in (401, 403) else Category.PAYLOAD_REJECTED


def snake_case(code: str) -> str:
    """A provider's code as a reason: EndpointDisabled becomes endpoint_disabled."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", code).lower()
