"""What FCM answers, in its documented bodies and in those of what stands before it, and what each means."""

from typing import Any

import pytest
from pydantic_core import to_json

from handoff_worker.delivery.http import Reply
from handoff_worker.delivery.responses import Answer, Answered
from handoff_worker.errors import CODE
from handoff_worker.providers.fcm.responses import judge
from tests.integration.providers.fcm_simulator import UNAUTHENTICATED, fcm_error

INVALID, EXHAUSTED, PERMISSION = "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "PERMISSION_DENIED"
NO_TOKEN = "The registration token is not a valid FCM registration token"
HTML = "<html><title>502 Bad Gateway</title></html>"
DEVICE = [{"subject": "device", "description": "Device message rate exceeded."}]
PROJECT = [{"subject": "project:demo", "description": "Message rate exceeded."}]
GONE, PAYLOAD = Answered.RECIPIENT_GONE, Answered.PAYLOAD_REJECTED
CREDENTIAL, RETRY = Answered.CREDENTIAL_REJECTED, Answered.RETRY

ANSWERS: list[tuple[int, Any, dict[str, str], Answer]] = [
    (200, {"name": "projects/demo/messages/7"}, {}, Answer(Answered.DELIVERED, id="projects/demo/messages/7")),
    (200, "<html>Sign in to the network</html>", {}, Answer(Answered.UNKNOWN, "bad_reply")),
    (200, {"name": ""}, {}, Answer(Answered.UNKNOWN, "bad_reply")),
    (404, fcm_error(404, "NOT_FOUND", "UNREGISTERED"), {}, Answer(GONE, "unregistered")),
    (404, fcm_error(404, "NOT_FOUND", ""), {}, Answer(CREDENTIAL, "not_found")),
    (404, "<html>Error 404</html>", {}, Answer(CREDENTIAL, "http_404")),
    (400, fcm_error(400, INVALID, INVALID, NO_TOKEN), {}, Answer(GONE, "invalid_registration")),
    (
        400,
        fcm_error(400, INVALID, INVALID, fieldViolations=[{"field": "message.token", "description": "Invalid token"}]),
        {},
        Answer(GONE, "invalid_registration"),
    ),
    (
        400,
        fcm_error(400, INVALID, INVALID, fieldViolations=[{"field": "message.data", "description": "Invalid key"}]),
        {},
        Answer(PAYLOAD, "invalid_argument"),
    ),
    (
        400,
        fcm_error(400, INVALID, INVALID, "See registration token", fieldViolations=[{"field": "message.android.ttl"}]),
        {},
        Answer(PAYLOAD, "invalid_argument"),
    ),
    (400, fcm_error(400, INVALID, INVALID, "Message is too big"), {}, Answer(PAYLOAD, "invalid_argument")),
    (400, "<html>Your client has issued a malformed request.</html>", {}, Answer(PAYLOAD, "http_400")),
    (413, "", {}, Answer(PAYLOAD, "http_413")),
    (403, fcm_error(403, PERMISSION, "SENDER_ID_MISMATCH"), {}, Answer(PAYLOAD, "sender_id_mismatch")),
    (403, fcm_error(403, PERMISSION, ""), {}, Answer(CREDENTIAL, "permission_denied")),
    (401, UNAUTHENTICATED.body, {}, Answer(CREDENTIAL, "unauthenticated")),
    (
        401,
        fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
        {},
        Answer(CREDENTIAL, "third_party_auth_error"),
    ),
    (
        429,
        fcm_error(429, EXHAUSTED, "QUOTA_EXCEEDED", violations=PROJECT),
        {"retry-after": "7"},
        Answer(RETRY, "quota_exceeded", after=7, throttled=True),
    ),
    (
        429,
        fcm_error(429, EXHAUSTED, "QUOTA_EXCEEDED"),
        {},
        Answer(RETRY, "quota_exceeded", after=60, throttled=True),
    ),
    (
        429,
        fcm_error(429, EXHAUSTED, "QUOTA_EXCEEDED", violations=DEVICE),
        {"retry-after": "7"},
        Answer(RETRY, "device_quota_exceeded", after=7),
    ),
    (
        429,
        fcm_error(429, EXHAUSTED, "QUOTA_EXCEEDED", violations=DEVICE + PROJECT),
        {},
        Answer(RETRY, "quota_exceeded", after=60, throttled=True),
    ),
    (429, "", {}, Answer(RETRY, "http_429", after=60, throttled=True)),
    (500, fcm_error(500, "INTERNAL", "INTERNAL"), {}, Answer(RETRY, "internal")),
    (503, fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"), {"retry-after": "3"}, Answer(RETRY, "unavailable", after=3)),
    (502, HTML, {}, Answer(RETRY, "http_502")),
    (504, "", {}, Answer(RETRY, "http_504")),
    (302, "", {"location": "https://elsewhere.invalid/"}, Answer(RETRY, "http_302")),
    (500, {"error": {"status": "no code <script>", "details": "none"}}, {}, Answer(RETRY, "http_500")),
    (400, {"error": {"details": [{"errorCode": {}}]}}, {}, Answer(PAYLOAD, "http_400")),
    (400, "[" * 50_000, {}, Answer(PAYLOAD, "http_400")),
]


@pytest.mark.parametrize(("status", "body", "headers", "answer"), ANSWERS)
def test_an_answer_means(status: int, body: Any, headers: dict[str, str], answer: Answer) -> None:
    written = body.encode() if isinstance(body, str) else to_json(body)
    assert judge(Reply(status, headers, written)) == answer
    assert not answer.reason or CODE.fullmatch(answer.reason)


def test_every_verdict_is_walked() -> None:
    assert {answer.verdict for *_, answer in ANSWERS} == set(Answered)
