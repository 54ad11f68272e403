"""Who a web push comes from, and where it may go: an app's VAPID key (RFC 8292) and the push services it trusts."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from handoff_worker.providers import es256
from handoff_worker.providers.webpush import ece

# An endpoint comes from a client: nothing is sent but to hosts that the operator trusts.
HOSTS = ("fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com")
# One reading of a URL only: no user, no backslash, no fragment, nothing that two parsers take for two hosts.
ENDPOINT = re.compile(r"https://(([a-z0-9.-]{1,253})(?::\d{1,5})?)/[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*")
Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$")]
HOUR_SECONDS = 3600


class VapidCredential(BaseModel):
    """An app's file. `private_key`: base64url, as `web-push generate-vapid-keys` prints it; `hosts`: push services
    that are sent to, each with all names under it, and at another port than 443 when it is told.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    private_key: SecretStr
    subject: str = Field(pattern=r"^(mailto:|https://)\S+$", description="Whom a push service may write to")
    hosts: tuple[Host, ...] = Field(default=HOSTS, min_length=1)


@dataclass(frozen=True, slots=True)
class VapidIdentity:
    """What sends for one app."""

    key: EllipticCurvePrivateKey = field(repr=False, compare=False)
    public: str
    subject: str
    hosts: tuple[str, ...]

    def service(self, endpoint: str) -> str:
        """The trusted host that an endpoint belongs to; empty when it belongs to none."""
        match = ENDPOINT.fullmatch(endpoint)
        if not match:
            return ""
        found = (host for host in self.hosts if match[1] == host or match[1].endswith(f".{host}"))
        return next(found, "")


def read_identity(text: str) -> VapidIdentity:
    """What an app's file means. Raises `ValueError` for a malformed one."""
    told = VapidCredential.model_validate_json(text)
    secret = ece.decoded(told.private_key.get_secret_value())
    if len(secret) != 32:
        raise ValueError("the key has 32 bytes")
    key = derive_private_key(int.from_bytes(secret, "big"), SECP256R1())
    return VapidIdentity(key, es256.base64url(ece.point(key)), told.subject, told.hosts)


def vapid(identity: VapidIdentity, endpoint: str, now: float) -> str:
    """The credential for an endpoint's origin, the same for an hour: push services remember one that they verified."""
    return signed(identity, "/".join(endpoint.split("/", 3)[:3]), int(now // HOUR_SECONDS))


@lru_cache(maxsize=1000)
def signed(identity: VapidIdentity, origin: str, hour: int) -> str:
    claims: dict[str, str | int] = {"aud": origin, "exp": (hour + 13) * HOUR_SECONDS, "sub": identity.subject}
    return f"vapid t={es256.token(identity.key, {'typ': 'JWT'}, claims)}, k={identity.public}"
