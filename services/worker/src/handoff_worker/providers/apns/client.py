"""The `apns` provider: Apple's devices, by HTTP/2 with a provider token (ES256) that the whole fleet shares."""

import re
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import to_json

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.credential_cache import Parsed
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.providers import es256
from handoff_worker.providers.apns import payload as aps
from handoff_worker.providers.apns.responses import categorize_apns_reply
from handoff_worker.settings import Settings

PRODUCTION, SANDBOX = "https://api.push.apple.com", "https://api.sandbox.push.apple.com"
PAYLOAD_LIMIT = 4096  # bytes
TOKEN_AGE_SECONDS = 40 * 60  # Apple wants a token to be used for 20 minutes at least and 60 at most


class ApnsCredential(BaseModel):
    """An app's file. `key`: the text of Apple's .p8 file; `topic`: the app's bundle id."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    team_id: str = Field(pattern=r"^[A-Z0-9]{10}$")
    key_id: str = Field(pattern=r"^[A-Z0-9]{10}$")
    key: SecretStr
    topic: str = Field(pattern=r"^[A-Za-z0-9.-]{1,255}$")
    sandbox: bool = False
    endpoint: str | None = Field(default=None, pattern=r"^https://[^/\s]+$", description="In place of Apple's own")


@dataclass(slots=True)
class ApnsAccount:
    """What sends for one app. `proven`: its topic and landscape fit, since Apple has known one of its devices."""

    url: str
    topic: str
    key: EllipticCurvePrivateKey = field(repr=False)
    key_id: str
    team_id: str
    proven: bool = False
    _token: str = field(default="", repr=False)
    _since: float = 0.0

    def token(self) -> str:
        """The provider token of this span of time: every worker makes the same one."""
        since = time.time() // TOKEN_AGE_SECONDS * TOKEN_AGE_SECONDS
        return self._token if self._since >= since else self._make(since)

    def renewed(self, expired: str) -> str:
        """A token in place of an expired one, made once for all that were told so."""
        return self._token if self._token != expired else self._make(time.time())

    def _make(self, since: float) -> str:
        self._since = since
        self._token = es256.token(self.key, {"kid": self.key_id}, {"iss": self.team_id, "iat": int(since)})
        return self._token


class ApnsProvider:
    """Sends to the devices of apps. A notification that shows nothing is sent as a background one."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self._accounts = Parsed(read_account)

    def channel(self, push: PushSend) -> Channel:
        return self._apps.get("apns", push.app).channel

    async def send(self, push: PushSend) -> ProviderResponse:
        account = self._accounts.of(self._apps.get("apns", push.app))
        if not re.fullmatch(r"[0-9A-Fa-f]{1,200}", push.token):
            return ProviderResponse(Category.PAYLOAD_REJECTED, "malformed_token")
        if "aps" in push.data:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "reserved_key")
        body = to_json(aps.notification(push))
        if len(body) > PAYLOAD_LIMIT:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "payload_too_large")
        token = account.token()
        response = await self._post(account, push, body, token)
        if response.reason == "expired_provider_token":
            response = await self._post(account, push, body, account.renewed(token))
        return self._proven(account, response)

    async def aclose(self) -> None:
        await http.aclose()

    async def _post(self, account: ApnsAccount, push: PushSend, body: bytes, token: str) -> ProviderResponse:
        try:
            url = f"{account.url}/3/device/{push.token}"
            return categorize_apns_reply(
                await http.post(url, headers(account.topic, push, token), body, http2_only=True)
            )
        except http.RequestFailed as error:
            return error.response

    @staticmethod
    def _proven(account: ApnsAccount, response: ProviderResponse) -> ProviderResponse:
        # Apple says BadDeviceToken also of every sound token that belongs to the other landscape.
        if response.reason == "bad_device_token" and not account.proven:
            return ProviderResponse(Category.PAYLOAD_REJECTED, response.reason)
        account.proven |= response.category is Category.DELIVERED or response.reason == "unregistered"
        return response


def read_account(text: str) -> ApnsAccount:
    """What an app's file means. Raises `ValueError` for a malformed one."""
    told = ApnsCredential.model_validate_json(text)
    key = es256.private_key(told.key.get_secret_value())
    url = told.endpoint or (SANDBOX if told.sandbox else PRODUCTION)
    return ApnsAccount(url, told.topic, key, told.key_id, told.team_id)


def headers(topic: str, push: PushSend, token: str) -> dict[str, str]:
    kind = aps.push_type(push)
    fields = {"authorization": f"bearer {token}", "apns-topic": topic, "apns-push-type": kind}
    fields["apns-priority"] = "10" if kind == "alert" else "5"  # Apple refuses a background one at 10
    if push.ttl is not None:
        fields["apns-expiration"] = str(int(time.time()) + push.ttl if push.ttl else 0)
    return fields


def open_provider(settings: Settings, apps: Apps) -> ApnsProvider:
    return ApnsProvider(apps)
