"""What FCM responses, in its documented bodies and in those of what stands before it, and what each means."""

from typing import Any

import pytest
from pydantic_core import to_json

from handoff_worker.delivery.http import Reply
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.errors import CODE
from handoff_worker.providers.fcm.responses import categorize_fcm_reply
from tests.integration.providers.fcm_simulator import UNAUTHENTICATED, fcm_error

INVALID, EXHAUSTED, PERMISSION = "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "PERMISSION_DENIED"
NO_TOKEN = "The registration token is not a valid FCM registration token"
HTML = "<html><title>502 Bad Gateway</title></html>"
DEVICE = [{"subject": "device", "description": "Device message rate exceeded."}]
PROJECT = [{"subject": "project:demo", "description": "Message rate exceeded."}]
GONE, PAYLOAD = Category.RECIPIENT_GONE, Category.PAYLOAD_REJECTED
CREDENTIAL, RETRY = Category.CREDENTIAL_REJECTED, Category.RETRY

ANSWERS: list[tuple[int, Any, dict[str, str], ProviderResponse]] = [
    (
        200,
        {"name": "projects/demo/messages/7"},
        {},
        ProviderResponse(Category.DELIVERED, id="projects/demo/messages/7"),
    ),
    (200, "<html>Sign in to the network</html>", {}, ProviderResponse(Category.UNKNOWN, "bad_reply")),
    (200, {"name": ""}, {}, ProviderResponse(Category.UNKNOWN, "bad_reply")),
    (404, fcm_error(404, "NOT_FOUND", "UNREGISTERED"), {}, ProviderResponse(GONE, "unregistered")),
    (404, fcm_error(404, "NOT_FOUND", ""), {}, ProviderResponse(CREDENTIAL, "not_found")),
    (404, "<html>Error 404</html>", {}, ProviderResponse(CREDENTIAL, "http_404")),
    (400, fcm_error(400, INVALID, INVALID, NO_TOKEN), {}, ProviderResponse(GONE, "invalid_registration")),
    (
        400,
        fcm_error(400, INVALID, INVALID, fieldViolations=[{"field": "message.token", "description": "Invalid token"}]),
        {},
        ProviderResponse(GONE, "invalid_registration"),
    ),
    (
        400,
        fcm_error(400, INVALID, INVALID, fieldViolations=[{"field": "message.data", "description": "Invalid key"}]),
        {},
        ProviderResponse(PAYLOAD, "invalid_argument"),
    ),
    (
        400,
        fcm_error(400, INVALID, INVALID, "See registration token", fieldViolations=[{"field": "message.android.ttl"}]),
        {},
        ProviderResponse(PAYLOAD, "invalid_argument"),
    ),
    (400, fcm_error(400, INVALID, INVALID, "Message is too big"), {}, ProviderResponse(PAYLOAD, "invalid_argument")),
    (400, "<html>Your client has issued a malformed request.</html>", {}, ProviderResponse(PAYLOAD, "http_400")),
    (413, "", {}, ProviderResponse(PAYLOAD, "http_413")),
    (403, fcm_error(403, PERMISSION, "SENDER_ID_MISMATCH"), {}, ProviderResponse(PAYLOAD, "sender_id_mismatch")),
    (403, fcm_error(403, PERMISSION, ""), {}, ProviderResponse(CREDENTIAL, "permission_denied")),
    (401, UNAUTHENTICATED.body, {}, ProviderResponse(CREDENTIAL, "unauthenticated")),
    (
        401,
        fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
        {},
        ProviderResponse(CREDENTIAL, "third_party_auth_error"),
    ),
    (
        429,
        fcm_error(429, EXHAUSTED, "QUOTA_EXCEEDED", violations=PROJECT),
        {"retry-after": "7"},
        ProviderResponse(RETRY, "quota_exceeded", retry_after=7, throttled=True),
    ),
    (
        429,
        fcm_error(429, EXHAUSTED, "QUOTA_EXCEEDED"),
        {},
        ProviderResponse(RETRY, "quota_exceeded", retry_after=60, throttled=True),
    ),
    (
        429,
        fcm_error(429, EXHAUSTED, "QUOTA_EXCEEDED", violations=DEVICE),
        {"retry-after": "7"},
        ProviderResponse(RETRY, "device_quota_exceeded", retry_after=7),
    ),
    (
        429,
        fcm_error(429, EXHAUSTED, "QUOTA_EXCEEDED", violations=DEVICE + PROJECT),
        {},
        ProviderResponse(RETRY, "quota_exceeded", retry_after=60, throttled=True),
    ),
    (429, "", {}, ProviderResponse(RETRY, "http_429", retry_after=60, throttled=True)),
    (500, fcm_error(500, "INTERNAL", "INTERNAL"), {}, ProviderResponse(RETRY, "internal")),
    (
        503,
        fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"),
        {"retry-after": "3"},
        ProviderResponse(RETRY, "unavailable", retry_after=3),
    ),
    (502, HTML, {}, ProviderResponse(RETRY, "http_502")),
    (504, "", {}, ProviderResponse(RETRY, "http_504")),
    (302, "", {"location": "https://elsewhere.invalid/"}, ProviderResponse(RETRY, "http_302")),
    (500, {"error": {"status": "no code <script>", "details": "none"}}, {}, ProviderResponse(RETRY, "http_500")),
    (400, {"error": {"details": [{"errorCode": {}}]}}, {}, ProviderResponse(PAYLOAD, "http_400")),
    (400, "[" * 50_000, {}, ProviderResponse(PAYLOAD, "http_400")),
]


@pytest.mark.parametrize(("status", "body", "headers", "response"), ANSWERS)
def test_a_reply_maps_to_a_response(
    status: int, body: Any, headers: dict[str, str], response: ProviderResponse
) -> None:
    written = body.encode() if isinstance(body, str) else to_json(body)
    assert categorize_fcm_reply(Reply(status, headers, written)) == response
    assert not response.reason or CODE.fullmatch(response.reason)


def test_every_category_is_covered() -> None:
    assert {response.category for *_, response in ANSWERS} == set(Category)
