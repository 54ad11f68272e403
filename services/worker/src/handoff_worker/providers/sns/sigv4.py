"""AWS's Signature Version 4, for POST requests to the root path: SNS's query API has no others."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key. Temporary keys have a `session_token`."""

    id: str = field(repr=False)
    secret: str = field(repr=False)
    session_token: str = field(default="", repr=False)


class Signer:
    """Signs for one service in one region."""

    def __init__(self, key: AwsKey, region: str, service: str) -> None:
        self._key = key
        self._region = region
        self._service = service
        self._day = ""
        self._day_key = b""

    def sign(self, host: str, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> dict[str, str]:
        """The given headers, whose names are in lower case, with those of the signature.

        `now`: the time of signing, the current time if None.
        """
        at = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        sent = {**headers, "x-amz-date": at}
        if self._key.session_token:
            sent["x-amz-security-token"] = self._key.session_token
        signed = sorted({**sent, "host": host}.items())
        names = ";".join(name for name, _ in signed)
        lines = "".join(f"{name}:{text.strip()}\n" for name, text in signed)
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{at[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac_sha256(self._signing_key(at[:8]), text).hex()
        credential = f"SnsCredential={self._key.id}/{scope}"
        sent["authorization"] = f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return sent

    def _signing_key(self, day: str) -> bytes:
        if day != self._day:
            key = hmac_sha256(f"AWS4{self._key.secret}".encode(), day)
            self._day_key = hmac_sha256(hmac_sha256(hmac_sha256(key, self._region), self._service), "aws4_request")
            self._day = day
        return self._day_key


def hmac_sha256(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
