"""The response table of SNS's query API."""

import re
from collections.abc import Mapping

from handoff_worker.delivery.responses import (
    Category,
    ProviderResponse,
    categories_by_code,
    category_of_status,
    snake_case,
)

THROTTLED_SECONDS = 5.0  # SNS counts requests by the second and names no time to wait

CODES: Mapping[Category, str] = {
    Category.RECIPIENT_GONE: "EndpointDisabled NotFound",
    Category.RETRY: "InternalError InternalFailure KMSThrottling RequestLimitExceeded ServiceUnavailable Throttled "
    "Throttling ThrottlingException TooManyRequestsException",
    Category.CREDENTIAL_REJECTED: "AccessDenied AccessDeniedException AuthorizationError ExpiredToken "
    "ExpiredTokenException IncompleteSignature InvalidAccessKeyId InvalidClientTokenId InvalidSecurity "
    "MissingAuthenticationToken NotAuthorized OptInRequired PlatformApplicationDisabled RequestExpired "
    "SignatureDoesNotMatch UnrecognizedClientException",
    # The KMS keys belong to a topic, and the client names the topic.
    Category.PAYLOAD_REJECTED: "BatchRequestTooLong InvalidParameter InvalidParameterValue KMSAccessDenied KMSDisabled "
    "KMSInvalidState KMSNotFound KMSOptInRequired MissingParameter ValidationError ValidationException",
}
CATEGORIES = categories_by_code(CODES)
THROTTLES = re.compile(r"Throttl|RequestLimit|TooManyRequests")


def categorize_sns_error(status: int, code: str, after: float | None = None) -> ProviderResponse:
    """The response by SNS's error code, or by the status if the code is unknown. `after`: seconds of Retry-After."""
    throttled = status == 429 or bool(THROTTLES.search(code))
    if throttled and after is None:
        after = THROTTLED_SECONDS
    if code in CATEGORIES:
        return ProviderResponse(CATEGORIES[code], snake_case(code), retry_after=after, throttled=throttled)
    return ProviderResponse(category_of_status(status), f"http_{status}", retry_after=after, throttled=throttled)
