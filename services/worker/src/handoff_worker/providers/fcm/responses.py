"""The response table of FCM's HTTP v1 API."""

import re
from collections.abc import Mapping

from pydantic import BaseModel, Field, ValidationError

from handoff_worker.delivery.http import Reply
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered

CODE = re.compile(r"[A-Z][A-Z0-9_]{0,62}")
ANY = ""
BAD_REGISTRATION = "INVALID_REGISTRATION"  # INVALID_ARGUMENT about the device's token
DEVICE_QUOTA = "DEVICE_QUOTA_EXCEEDED"  # QUOTA_EXCEEDED about the device's quota
THIRD_PARTY_AUTH_ERROR = "third_party_auth_error"  # a 401 that a new access token does not help
QUOTA_SECONDS = 60.0  # the wait that FCM asks for after a 429 without Retry-After

# By status and FCM's error code. ANY stands for all other codes of a status.
CATEGORIES: Mapping[tuple[int, str], Category] = {
    (404, "UNREGISTERED"): Category.RECIPIENT_GONE,
    (404, ANY): Category.CREDENTIAL_REJECTED,  # there is no such project
    (400, BAD_REGISTRATION): Category.RECIPIENT_GONE,
    (400, ANY): Category.PAYLOAD_REJECTED,
    (413, ANY): Category.PAYLOAD_REJECTED,
    # THIRD_PARTY_AUTH_ERROR too: the project's APNs or VAPID key is bad.
    (401, ANY): Category.CREDENTIAL_REJECTED,
    # The device belongs to another project, where it is alive.
    (403, "SENDER_ID_MISMATCH"): Category.PAYLOAD_REJECTED,
    (403, ANY): Category.CREDENTIAL_REJECTED,
}  # every other status is a retry, 429, 5xx and redirects included


class _Field(BaseModel):
    field: str = ""


class _Quota(BaseModel):
    subject: str = ""
    description: str = ""


class _Detail(BaseModel):
    error_code: str = Field(default="", alias="errorCode")
    fields: list[_Field] = Field(default=[], alias="fieldViolations")
    quotas: list[_Quota] = Field(default=[], alias="violations")


class _Error(BaseModel):
    status: str = ""
    message: str = ""
    details: list[_Detail] = []


class _Body(BaseModel):
    error: _Error


class _Sent(BaseModel):
    name: str = Field(min_length=1)


def categorize_fcm_reply(reply: Reply) -> ProviderResponse:
    """The response for the device that the notification went to."""
    if reply.status == 200:
        return _sent(reply.body)
    code = _code(reply)
    category = CATEGORIES.get((reply.status, code), CATEGORIES.get((reply.status, ANY), Category.RETRY))
    reason = code.lower() or f"http_{reply.status}"
    if category is not Category.RETRY:
        return ProviderResponse(category, reason)
    after = reply.retry_after
    if reply.status != 429:
        return ProviderResponse(category, reason, retry_after=after)
    return ProviderResponse(category, reason, retry_after=after or QUOTA_SECONDS, throttled=code != DEVICE_QUOTA)


def _sent(body: bytes) -> ProviderResponse:
    try:
        return delivered(_Sent.model_validate_json(body).name)
    except ValidationError:
        return ProviderResponse(Category.UNKNOWN, "bad_reply")


def _code(reply: Reply) -> str:
    """FCM's error code, or a more precise one. Empty if the body is not FCM's."""
    try:
        error = _Body.model_validate_json(reply.body).error
    except ValidationError:
        return ""
    code = next((detail.error_code for detail in error.details if detail.error_code), error.status)
    if reply.status == 400 and _names_token(error):
        return BAD_REGISTRATION
    if reply.status == 429 and _is_device_quota(error):
        return DEVICE_QUOTA
    return code if CODE.fullmatch(code) else ""


def _names_token(error: _Error) -> bool:
    fields = [violation.field for detail in error.details for violation in detail.fields]
    if fields:
        return "message.token" in fields
    return "registration token" in error.message.lower()


def _is_device_quota(error: _Error) -> bool:
    quotas = [f"{quota.subject} {quota.description}".lower() for detail in error.details for quota in detail.quotas]
    return bool(quotas) and all("device" in quota for quota in quotas)
