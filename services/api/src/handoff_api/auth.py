"""Bearer keys: who calls. Only an HMAC of a key is ever stored, keyed with the pepper."""

import hmac
import re
from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from handoff_api.problems import UNAUTHORIZED, Problem

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
DIGEST = re.compile(r"[0-9a-f]{64}")
GUARDED = ("/v1/", "/push/")
NOBODY = ""  # the client's name when authentication is off


def digest(pepper: str, key: str) -> str:
    """What is stored of a key: HMAC-SHA256 in hex."""
    return hmac.digest(pepper.encode(), key.encode(), "sha256").hex()


def parse(entries: Iterable[str]) -> dict[str, str]:
    """Digests by client's name, from `name=hexdigest` entries.

    Raises:
        ValueError: an entry is malformed, or two share a name.
    """
    keys: dict[str, str] = {}
    for number, entry in enumerate(filter(None, map(str.strip, entries)), 1):
        name, _, stored = entry.partition("=")
        if not NAME.fullmatch(name) or not DIGEST.fullmatch(stored) or name in keys:
            raise ValueError(
                f"entry {number} of the API keys is wrong: write name=digest, each name once;"
                " `python -m handoff_api.keys NAME` prints such an entry"
            )
        keys[name] = stored
    return keys


class Keys:
    """The keys that are let in, by their digests."""

    def __init__(self, pepper: str, digests: Mapping[str, str]) -> None:
        self._mac = hmac.new(pepper.encode(), digestmod="sha256")
        self._digests = {name: bytes.fromhex(stored) for name, stored in digests.items()}

    def client(self, header: bytes) -> str | None:
        """The name of the client whose key an Authorization header holds; looks at every key, found or not."""
        scheme, _, key = header.replace(b"\t", b" ").partition(b" ")
        mac = self._mac.copy()
        mac.update(key.strip(b" "))
        presented, found = mac.digest(), None
        for name, stored in self._digests.items():
            if hmac.compare_digest(presented, stored):
                found = name
        return found if scheme.lower() == b"bearer" else None


class Authenticate:
    """Lets a call to a guarded path pass only with a known key, whose client it puts into the request's state."""

    def __init__(self, app: ASGIApp, keys: Keys | None) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(GUARDED):
            state = scope["state"]
            client = self.keys.client(state["headers"].get(b"authorization", b"")) if self.keys else NOBODY
            if client is None:
                await Problem(UNAUTHORIZED).response()(scope, receive, send)
                return
            state["client"] = client
        await self.app(scope, receive, send)
