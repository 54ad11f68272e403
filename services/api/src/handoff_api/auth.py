"""Authentication by bearer key. The API stores only an HMAC of each key, made with the pepper."""

import hmac
import re
from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from handoff_api.problems import UNAUTHORIZED, Problem

CLIENT_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
DIGEST = re.compile(r"[0-9a-f]{64}")
GUARDED = ("/v1/", "/push/")
ANONYMOUS = ""  # the client's name when authentication is off


def digest(pepper: str, key: str) -> str:
    """Return the HMAC-SHA256 of a key in hex, which is all that the API stores of the key."""
    return hmac.digest(pepper.encode(), key.encode(), "sha256").hex()


def parse_entries(entries: Iterable[str]) -> dict[str, str]:
    """Return the digests by client name from `name=hexdigest` entries.

    Raises:
        ValueError: an entry is malformed, or two entries have one name.
    """
    digests: dict[str, str] = {}
    for number, entry in enumerate(filter(None, map(str.strip, entries)), 1):
        name, _, stored = entry.partition("=")
        if not CLIENT_NAME.fullmatch(name) or not DIGEST.fullmatch(stored) or name in digests:
            raise ValueError(
                f"entry {number} of the API keys is wrong: write name=digest, each name once;"
                " `python -m handoff_api.keys NAME` prints such an entry"
            )
        digests[name] = stored
    return digests


class Keys:
    """The digests of all valid keys, by client name."""

    def __init__(self, pepper: str, digests: Mapping[str, str]) -> None:
        self._mac = hmac.new(pepper.encode(), digestmod="sha256")
        self._digests = {name: bytes.fromhex(stored) for name, stored in digests.items()}

    def client(self, header: bytes) -> str | None:
        """Return the client whose key an Authorization header carries, None when no client has this key.

        The time does not depend on the key: every digest is compared, also after a match.
        """
        scheme, _, key = header.replace(b"\t", b" ").partition(b" ")
        mac = self._mac.copy()
        mac.update(key.strip(b" "))
        presented, found = mac.digest(), None
        for name, stored in self._digests.items():
            if hmac.compare_digest(presented, stored):
                found = name
        return found if scheme.lower() == b"bearer" else None


class AuthMiddleware:
    """Answers 401 to a request for a guarded path without a valid key. Stores the client's name in the state."""

    def __init__(self, app: ASGIApp, keys: Keys | None) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(GUARDED):
            state = scope["state"]
            client = self.keys.client(state["headers"].get(b"authorization", b"")) if self.keys else ANONYMOUS
            if client is None:
                await Problem(UNAUTHORIZED).response()(scope, receive, send)
                return
            state["client"] = client
        await self.app(scope, receive, send)
