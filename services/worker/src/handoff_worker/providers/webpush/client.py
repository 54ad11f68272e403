"""The `webpush` provider: browsers, through the push services of their makers (RFC 8030, 8291 and 8292).

A token is the subscription itself, the text of `JSON.stringify(subscription)`.
"""

import time
from dataclasses import replace

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.credential_cache import CredentialCache
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.providers.webpush import ece
from handoff_worker.providers.webpush.responses import categorize_push_service_reply
from handoff_worker.providers.webpush.vapid import VapidIdentity, authorization, read_identity
from handoff_worker.settings import Settings

DEFAULT_TTL_SECONDS = 4 * 7 * 86400  # the longest time that push services keep a notification


class SubscriptionKeys(BaseModel):
    """The keys of a subscription, as base64url."""

    p256dh: str = Field(description="The browser's public key")
    auth: str = Field(description="The secret that the browser shares with the sender")


class Subscription(BaseModel):
    """A browser's PushSubscription."""

    endpoint: str = Field(description="The URL at the push service that takes notifications for this browser")
    keys: SubscriptionKeys = Field(description="The keys that encrypt the notifications")


class WebPushProvider:
    """Sends to browsers. Their service worker gets {"title", "body", "data"} as JSON."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self._identities = CredentialCache(apps, "webpush", lambda app: read_identity(app.text))

    def channel(self, push: PushSend) -> Channel:
        """The channel of the push service: if one service throttles or rejects the key, the others go on."""
        app = self._apps.get("webpush", push.app)
        subscription = read_subscription(push.token)
        service = self._identities.get(push.app).service(subscription.endpoint) if subscription else ""
        return replace(app.channel, name=f"{app.channel.name}@{service.partition(':')[0]}") if service else app.channel

    async def send(self, push: PushSend) -> ProviderResponse:
        identity = self._identities.get(push.app)
        subscription = read_subscription(push.token)
        if subscription is None:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "malformed_subscription")
        if not identity.service(subscription.endpoint):
            return ProviderResponse(Category.PAYLOAD_REJECTED, "untrusted_push_service")
        try:
            keys = ece.read_keys(subscription.keys.p256dh, subscription.keys.auth)
        except ValueError:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "malformed_subscription")
        content = to_json(push.model_dump(include={"title", "body", "data"}, exclude_none=True))
        if len(content) > ece.CONTENT_LIMIT:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "payload_too_large")
        sent_headers = headers(identity, subscription, push)
        try:
            reply = await http.post(subscription.endpoint, sent_headers, ece.encrypt(content, keys))
        except http.RequestFailed as error:
            return error.response
        except ValueError:  # an impossible host name or port
            return ProviderResponse(Category.PAYLOAD_REJECTED, "malformed_subscription")
        return categorize_push_service_reply(reply)

    async def aclose(self) -> None:
        await http.aclose()


def read_subscription(token: str) -> Subscription | None:
    """The subscription in a token, or None if the token is malformed."""
    try:
        return Subscription.model_validate_json(token)
    except ValidationError:
        return None


def headers(identity: VapidIdentity, subscription: Subscription, push: PushSend) -> dict[str, str]:
    """The headers of a send."""
    return {
        "authorization": authorization(identity, subscription.endpoint, time.time()),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(DEFAULT_TTL_SECONDS if push.ttl is None else push.ttl),
    }


def open_provider(settings: Settings, apps: Apps) -> WebPushProvider:
    return WebPushProvider(apps)
