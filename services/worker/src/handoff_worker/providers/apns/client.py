"""The `apns` provider: Apple's devices, over HTTP/2 with a provider token (ES256) that the whole fleet shares."""

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
from handoff_worker.delivery.credential_cache import CredentialCache
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.providers import es256
from handoff_worker.providers.apns.payload import apns_payload, push_type
from handoff_worker.providers.apns.responses import categorize_apns_reply
from handoff_worker.settings import Settings

PRODUCTION, SANDBOX = "https://api.push.apple.com", "https://api.sandbox.push.apple.com"
PAYLOAD_LIMIT = 4096  # bytes
TOKEN_AGE_SECONDS = 40 * 60  # Apple wants a token to be used for 20 minutes at least and 60 at most


class ApnsCredential(BaseModel):
    """The file of an app."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    team_id: str = Field(pattern=r"^[A-Z0-9]{10}$", description="Apple's id of the team")
    key_id: str = Field(pattern=r"^[A-Z0-9]{10}$", description="Apple's id of the key")
    key: SecretStr = Field(description="The text of the .p8 file")
    topic: str = Field(pattern=r"^[A-Za-z0-9.-]{1,255}$", description="The bundle id of the app")
    sandbox: bool = Field(default=False, description="For builds from Xcode")
    endpoint: str | None = Field(default=None, pattern=r"^https://[^/\s]+$", description="Replaces Apple's address")


@dataclass(slots=True)
class ApnsAccount:
    """One app's address, topic and signing key.

    `proven`: Apple has known a device of this app, so its topic and environment are right.
    """

    url: str
    topic: str
    key: EllipticCurvePrivateKey = field(repr=False)
    key_id: str
    team_id: str
    proven: bool = False
    _token: str = field(default="", repr=False)
    _issued_at: float = 0.0

    def token(self) -> str:
        """The provider token of the current 40 minutes: every worker signs the same one."""
        issued_at = time.time() // TOKEN_AGE_SECONDS * TOKEN_AGE_SECONDS
        return self._token if self._issued_at >= issued_at else self._sign(issued_at)

    def token_after(self, expired: str) -> str:
        """A token other than the expired one: all sends that Apple refused share one new token."""
        return self._token if self._token != expired else self._sign(time.time())

    def _sign(self, issued_at: float) -> str:
        self._issued_at = issued_at
        self._token = es256.sign_token(self.key, {"kid": self.key_id}, {"iss": self.team_id, "iat": int(issued_at)})
        return self._token


class ApnsProvider:
    """Sends to Apple's devices."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self._accounts = CredentialCache(apps, "apns", lambda app: read_account(app.text))

    def channel(self, push: PushSend) -> Channel:
        return self._apps.get("apns", push.app).channel

    async def send(self, push: PushSend) -> ProviderResponse:
        account = self._accounts.get(push.app)
        if not re.fullmatch(r"[0-9A-Fa-f]{1,200}", push.token):
            return ProviderResponse(Category.PAYLOAD_REJECTED, "malformed_token")
        if "aps" in push.data:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "reserved_key")
        body = to_json(apns_payload(push))
        if len(body) > PAYLOAD_LIMIT:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "payload_too_large")
        token = account.token()
        response = await self._post(account, push, body, token)
        if response.reason == "expired_provider_token":
            response = await self._post(account, push, body, account.token_after(token))
        return self._check_environment(account, response)

    async def aclose(self) -> None:
        await http.aclose()

    async def _post(self, account: ApnsAccount, push: PushSend, body: bytes, token: str) -> ProviderResponse:
        try:
            url = f"{account.url}/3/device/{push.token}"
            reply = await http.post(url, headers(account.topic, push, token), body, http2_only=True)
        except http.RequestFailed as error:
            return error.response
        return categorize_apns_reply(reply)

    @staticmethod
    def _check_environment(account: ApnsAccount, response: ProviderResponse) -> ProviderResponse:
        # Apple also says BadDeviceToken of every valid token that belongs to the other environment.
        if response.reason == "bad_device_token" and not account.proven:
            return ProviderResponse(Category.PAYLOAD_REJECTED, response.reason)
        account.proven |= response.category is Category.DELIVERED or response.reason == "unregistered"
        return response


def read_account(text: str) -> ApnsAccount:
    """The account in an app's file. Raises `ValueError` for a malformed file."""
    credential = ApnsCredential.model_validate_json(text)
    key = es256.read_private_key(credential.key.get_secret_value())
    url = credential.endpoint or (SANDBOX if credential.sandbox else PRODUCTION)
    return ApnsAccount(url, credential.topic, key, credential.key_id, credential.team_id)


def headers(topic: str, push: PushSend, token: str) -> dict[str, str]:
    """The headers of a send."""
    kind = push_type(push)
    fields = {"authorization": f"bearer {token}", "apns-topic": topic, "apns-push-type": kind}
    fields["apns-priority"] = "10" if kind == "alert" else "5"  # Apple refuses priority 10 for background pushes
    if push.ttl is not None:
        fields["apns-expiration"] = str(int(time.time()) + push.ttl if push.ttl else 0)
    return fields


def open_provider(settings: Settings, apps: Apps) -> ApnsProvider:
    return ApnsProvider(apps)
