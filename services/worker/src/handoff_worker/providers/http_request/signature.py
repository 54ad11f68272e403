"""Standard Webhooks 1.0: signs a request, so that its receiver can verify the sender and detect a repeat."""

import base64
import hmac
import time
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.credential_cache import CredentialCache


class WebhookSecrets(BaseModel):
    """The file of an app."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    secret: SecretStr | list[SecretStr] = Field(
        description="The secret, `whsec_...`; or a list of secrets that all sign while one replaces another"
    )


class WebhookSigner:
    """Signs webhooks with the secrets of the apps."""

    def __init__(self, apps: Apps) -> None:
        self._keys = CredentialCache(apps, "webhook", lambda app: read_keys(app.text))

    def sign(self, name: str, id: str, body: bytes) -> Mapping[str, str]:
        """The headers that sign a body now. Pass the same `id` for every attempt.

        Raises:
            Fail: there is no app of that name, or its file is malformed.
        """
        timestamp = str(int(time.time()))
        content = b".".join((id.encode(), timestamp.encode(), body))
        signatures = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in self._keys.get(name)]
        return {
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        }


def read_keys(text: str) -> Sequence[bytes]:
    """The keys in an app's file. Raises `ValueError` for a malformed file."""
    secret = WebhookSecrets.model_validate_json(text).secret
    found = [_decode_key(each.get_secret_value()) for each in (secret if isinstance(secret, list) else [secret])]
    if not found:
        raise ValueError("there is no secret")
    return found


def _decode_key(secret: str) -> bytes:
    key = base64.b64decode(secret.removeprefix("whsec_") + "==", validate=True)
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("a secret is whsec_ and 24 to 64 bytes as base64")
    return key
