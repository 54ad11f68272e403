"""Standard Webhooks 1.0: the signature by which a receiver knows a request for ours, also when it is repeated."""

import base64
import hmac
import time
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, SecretStr

from handoff_worker.delivery.apps import App
from handoff_worker.delivery.credential_cache import Parsed


class Secrets(BaseModel):
    """The file of an app: `{"secret": "whsec_..."}`, or a list of secrets while one takes the other's place."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    secret: SecretStr | list[SecretStr]


def signed(app: App, id: str, body: bytes) -> Mapping[str, str]:
    """The headers that sign a body now. `id` is the same whenever it is sent again.

    Raises:
        Fail: the app's file is malformed.
    """
    at = str(int(time.time()))
    content = b".".join((id.encode(), at.encode(), body))
    signatures = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in _keys.of(app)]
    return {
        "webhook-id": id,
        "webhook-timestamp": at,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def keys(text: str) -> Sequence[bytes]:
    """The keys in an app's file. Raises `ValueError`."""
    secret = Secrets.model_validate_json(text).secret
    found = [_key(each.get_secret_value()) for each in (secret if isinstance(secret, list) else [secret])]
    if not found:
        raise ValueError("there is no secret")
    return found


def _key(secret: str) -> bytes:
    key = base64.b64decode(secret.removeprefix("whsec_") + "==", validate=True)
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("a secret is whsec_ and 24 to 64 bytes as base64")
    return key


_keys = Parsed(keys)
