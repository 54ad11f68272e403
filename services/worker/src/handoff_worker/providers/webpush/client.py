"""The `webpush` provider: browsers, through the push services of their makers (RFC 8030, 8291 and 8292).

A token is the subscription itself, as `JSON.stringify(subscription)` writes it.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.credential_cache import Parsed
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered
from handoff_worker.providers.webpush import ece
from handoff_worker.providers.webpush.vapid import VapidIdentity, read_identity, vapid
from handoff_worker.settings import Settings

TTL_SECONDS = 4 * 7 * 86400  # of a notification that has none: what push services keep at most
MISMATCH = (b"VapidPkHashMismatch", b"VAPID public key mismatch", b"do not correspond", b"UnauthorizedRegistration")

STATUSES: Mapping[int, Category] = {
    401: Category.CREDENTIAL_REJECTED,
    403: Category.CREDENTIAL_REJECTED,
    404: Category.RECIPIENT_GONE,
    406: Category.RETRY,  # what WNS says in place of 429
    410: Category.RECIPIENT_GONE,
    429: Category.RETRY,
}
THROTTLED = {406, 429}


class Keys(BaseModel):
    p256dh: str
    auth: str


class Subscription(BaseModel):
    """A browser's PushSubscription."""

    endpoint: str
    keys: Keys


class WebPushProvider:
    """Sends to browsers; what their service worker gets is {"title", "body", "data"} as JSON."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self._identities = Parsed(read_identity)

    def channel(self, push: PushSend) -> Channel:
        """A push service's own: one that throttles, or rejects the key, says nothing about the others."""
        app = self._apps.get("webpush", push.app)
        wanted = subscription(push.token)
        service = self._identities.of(app).service(wanted.endpoint) if wanted else ""
        return replace(app.channel, name=f"{app.channel.name}@{service.partition(':')[0]}") if service else app.channel

    async def send(self, push: PushSend) -> ProviderResponse:
        identity = self._identities.of(self._apps.get("webpush", push.app))
        wanted = subscription(push.token)
        if wanted is None:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "malformed_subscription")
        if not identity.service(wanted.endpoint):
            return ProviderResponse(Category.PAYLOAD_REJECTED, "untrusted_push_service")
        try:
            keys = ece.keys(wanted.keys.p256dh, wanted.keys.auth)
        except ValueError:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "malformed_subscription")
        content = to_json(push.model_dump(include={"title", "body", "data"}, exclude_none=True))
        if len(content) > ece.CONTENT_LIMIT:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "payload_too_large")
        try:
            return categorize_push_service_reply(
                await http.post(wanted.endpoint, headers(identity, wanted, push), ece.encrypt(content, keys))
            )
        except http.RequestFailed as error:
            return error.response
        except ValueError:  # a name or a port that can't be
            return ProviderResponse(Category.PAYLOAD_REJECTED, "malformed_subscription")

    async def aclose(self) -> None:
        await http.aclose()


def subscription(token: str) -> Subscription | None:
    try:
        return Subscription.model_validate_json(token)
    except ValidationError:
        return None


def headers(identity: VapidIdentity, to: Subscription, push: PushSend) -> dict[str, str]:
    return {
        "authorization": vapid(identity, to.endpoint, time.time()),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(TTL_SECONDS if push.ttl is None else push.ttl),
    }


def categorize_push_service_reply(reply: http.Reply) -> ProviderResponse:
    """What a reply means, by its status; but a subscription to another key is no fault of this one."""
    status, reason = reply.status, f"http_{reply.status}"
    if status in (200, 201, 202):
        return delivered(reply.headers.get("location", "").rpartition("/")[2][:256])
    if status in (400, 401, 403) and any(words in reply.body for words in MISMATCH):
        return ProviderResponse(Category.PAYLOAD_REJECTED, "vapid_key_mismatch")
    category = STATUSES.get(status, Category.RETRY if status >= 500 else Category.PAYLOAD_REJECTED)
    return ProviderResponse(category, reason, retry_after=http.retry_after(reply), throttled=status in THROTTLED)


def open_provider(settings: Settings, apps: Apps) -> WebPushProvider:
    return WebPushProvider(apps)
