"""OAuth2 access tokens of a Google service account."""

import asyncio
import time
from typing import Annotated, Literal

import jwt
from pydantic import BaseModel, Field, SecretStr, StringConstraints, ValidationError

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.errors import Fail

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 600  # an assertion is used at once; its life covers a clock that is off
MARGIN_SECONDS = 300.0  # a token is renewed so long before its end


class ServiceAccount(BaseModel, frozen=True, hide_input_in_errors=True):
    """What is needed of a service account's JSON key file, as Google's console makes it."""

    type: Literal["service_account"]
    project_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:-]{0,99}$")]
    client_email: str = Field(repr=False)
    private_key: SecretStr
    private_key_id: str = Field(default="", repr=False)
    token_uri: Annotated[str, StringConstraints(pattern=r"^https://[\x21-\x7e]+$")]

    @classmethod
    def read(cls, text: str) -> "ServiceAccount":
        """Raises `Fail` when the text is no key file, or its key none."""
        try:
            account = cls.model_validate_json(text)
            account.assertion("")
        except (ValidationError, jwt.InvalidKeyError, TypeError, ValueError):
            raise Fail("bad_credential", "The app's file is not a service account's JSON key.") from None
        return account

    def assertion(self, scope: str) -> str:
        """A signed request for a token."""
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
    """A service account's token for a scope, kept until shortly before its end. It is asked for once at a time."""

    def __init__(self, account: ServiceAccount, scope: str) -> None:
        self._account = account
        self._scope = scope
        self._token = ""
        self._renew_at = 0.0
        self._asking: asyncio.Task[str] | None = None

    async def get(self, *, refused: str = "") -> str:
        """A token other than the one that was refused.

        Raises:
            http.RequestFailed: there is none: the credential is rejected, or to be tried again.
        """
        if self._token != refused and time.monotonic() < self._renew_at:
            return self._token
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> str:
        asked_at = time.monotonic()
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
                ProviderResponse(Category.RETRY, "no_access_token", retry_after=http.retry_after(reply))
            ) from None
        self._token = token.access_token.get_secret_value()
        self._renew_at = asked_at + token.expires_in - min(MARGIN_SECONDS, token.expires_in / 10)
        return self._token


def _reason(reply: http.Reply) -> str:
    try:
        return _Refusal.model_validate_json(reply.body).error
    except ValidationError:
        return f"http_{reply.status}"
