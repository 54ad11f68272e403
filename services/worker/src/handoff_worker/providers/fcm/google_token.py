"""OAuth2 access tokens for a Google service account."""

import asyncio
import time
from typing import Annotated, Literal

import jwt
from pydantic import BaseModel, Field, SecretStr, StringConstraints, ValidationError

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 600  # used at once; the lifetime covers a wrong clock
RENEW_BEFORE_END_SECONDS = 300.0


class ServiceAccount(BaseModel, frozen=True, hide_input_in_errors=True):
    """The used fields of a service account's JSON key file, which Google's console creates."""

    type: Literal["service_account"]
    project_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:-]{0,99}$")]
    client_email: str = Field(repr=False)
    private_key: SecretStr
    private_key_id: str = Field(default="", repr=False)
    token_uri: Annotated[str, StringConstraints(pattern=r"^https://[\x21-\x7e]+$")]

    @classmethod
    def read(cls, text: str) -> "ServiceAccount":
        """The account of a key file. Raises `ValueError` if the text or its private key is malformed."""
        account = cls.model_validate_json(text)
        try:
            account.assertion("")
        except (jwt.InvalidKeyError, TypeError):
            raise ValueError("not a private key") from None
        return account

    def assertion(self, scope: str) -> str:
        """A signed request for a token (RFC 7523)."""
        now = int(time.time())
        claims = {
            "iss": self.client_email,
            "scope": scope,
            "aud": self.token_uri,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        key = self.private_key.get_secret_value()
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": self.private_key_id})


class _Token(BaseModel):
    access_token: Annotated[SecretStr, Field(min_length=1)]
    expires_in: float = Field(gt=0)


class _Refusal(BaseModel):
    error: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,63}$")]


class AccessToken:
    """A service account's token for a scope, kept until shortly before its end. One request at a time renews it."""

    def __init__(self, account: ServiceAccount, scope: str) -> None:
        self._account = account
        self._scope = scope
        self._token = ""
        self._renew_at = 0.0
        self._renewal: asyncio.Task[str] | None = None

    async def get(self, *, refused: str = "") -> str:
        """A token other than the refused one.

        Raises:
            http.RequestFailed: Google gave no token; its response is `credential_rejected` or `retry`.
        """
        if self._token != refused and time.monotonic() < self._renew_at:
            return self._token
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())
        return await asyncio.shield(self._renewal)

    async def _renew(self) -> str:
        requested_at = time.monotonic()
        form = f"grant_type={GRANT.replace(':', '%3A')}&assertion={self._account.assertion(self._scope)}"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            reply = await http.post(self._account.token_uri, headers, form.encode())
        except http.RequestFailed:
            raise http.RequestFailed(ProviderResponse(Category.RETRY, "no_access_token")) from None
        if reply.status in (400, 401, 403):
            raise http.RequestFailed(ProviderResponse(Category.CREDENTIAL_REJECTED, _reason(reply)))
        try:
            token = _Token.model_validate_json(reply.body if reply.status == 200 else b"")
        except ValidationError:
            raise http.RequestFailed(
                ProviderResponse(Category.RETRY, "no_access_token", retry_after=reply.retry_after)
            ) from None
        self._token = token.access_token.get_secret_value()
        self._renew_at = requested_at + token.expires_in - min(RENEW_BEFORE_END_SECONDS, token.expires_in / 10)
        return self._token


def _reason(reply: http.Reply) -> str:
    try:
        return _Refusal.model_validate_json(reply.body).error
    except ValidationError:
        return f"http_{reply.status}"
