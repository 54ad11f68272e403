"""A request, the reply to it as far as it has come, and what became of it."""

import asyncio
import enum
from collections.abc import Mapping


class End(enum.Enum):
    """What became of a request."""

    REPLIED = "replied"
    REFUSED = "refused"  # the server did nothing for it
    MOVED = "moved"  # nor did it here, but another connection may be better
    LATE = "late"  # it was given up, and nobody knows
    LOST = "lost"  # nobody knows


class Exchange:
    """A request with the `fields` of its header, encoded. What is in it of the reply counts once it has `ended`."""

    __slots__ = ("body", "end", "ended", "fields", "headers", "heard", "rest", "status", "stream", "window")

    def __init__(self, fields: bytes, body: bytes) -> None:
        self.fields = fields
        self.rest: bytes | None = body  # what has not been sent of it; none when all is
        self.stream = 0  # once it has begun
        self.window = 0  # bytes of it that the server takes
        self.heard = False  # something came for it, hints too
        self.status = 0
        self.headers: Mapping[str, str] = {}  # names in lower case
        self.body = b""
        self.ended = asyncio.get_running_loop().create_future()
        self.end: End | None = None

    def over(self, end: End) -> None:
        """Says what became of it, the first time."""
        if self.end is None:
            self.end = end
            if not self.ended.done():  # cancelled: nobody waits
                self.ended.set_result(None)
