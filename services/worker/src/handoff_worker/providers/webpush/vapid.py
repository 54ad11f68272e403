"""An app's VAPID key (RFC 8292), which identifies the sender, and the push services that the app trusts."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from handoff_worker.providers import es256
from handoff_worker.providers.webpush import ece

# A client chooses the endpoint, so requests go only to hosts that the operator trusts.
HOSTS = ("fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com")
# No user, backslash or fragment: two URL parsers must never read two different hosts.
ENDPOINT = re.compile(r"https://(([a-z0-9.-]{1,253})(?::\d{1,5})?)/[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*")
Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$")]
HOUR_SECONDS = 3600


class VapidCredential(BaseModel):
    """The file of an app."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    private_key: SecretStr = Field(description="base64url, in the form of `web-push generate-vapid-keys`")
    subject: str = Field(pattern=r"^(mailto:|https://)\S+$", description="Whom a push service may contact")
    hosts: tuple[Host, ...] = Field(
        default=HOSTS,
        min_length=1,
        description="Trusted push services, each with all subdomains; `host:port` for another port than 443",
    )


@dataclass(frozen=True, slots=True)
class VapidIdentity:
    """The key and the contact of one app, and the hosts that it sends to."""

    key: EllipticCurvePrivateKey = field(repr=False, compare=False)
    public: str
    subject: str
    hosts: tuple[str, ...]

    def service(self, endpoint: str) -> str:
        """The trusted host of an endpoint; empty if the endpoint is not trusted."""
        match = ENDPOINT.fullmatch(endpoint)
        if not match:
            return ""
        found = (host for host in self.hosts if match[1] == host or match[1].endswith(f".{host}"))
        return next(found, "")


def read_identity(text: str) -> VapidIdentity:
    """The identity in an app's file. Raises `ValueError` for a malformed file."""
    credential = VapidCredential.model_validate_json(text)
    secret = ece.decode_base64url(credential.private_key.get_secret_value())
    if len(secret) != 32:
        raise ValueError("the key must have 32 bytes")
    key = derive_private_key(int.from_bytes(secret, "big"), SECP256R1())
    return VapidIdentity(key, es256.base64url(ece.encode_point(key)), credential.subject, credential.hosts)


def authorization(identity: VapidIdentity, endpoint: str, now: float) -> str:
    """The Authorization header for an endpoint's origin. It changes every hour, so push services can cache it."""
    return sign_authorization(identity, "/".join(endpoint.split("/", 3)[:3]), int(now // HOUR_SECONDS))


@lru_cache(maxsize=1000)
def sign_authorization(identity: VapidIdentity, origin: str, hour: int) -> str:
    claims: dict[str, str | int] = {"aud": origin, "exp": (hour + 13) * HOUR_SECONDS, "sub": identity.subject}
    return f"vapid t={es256.sign_token(identity.key, {'typ': 'JWT'}, claims)}, k={identity.public}"
