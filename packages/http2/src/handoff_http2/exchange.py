"""One request, its response, and the result of the exchange."""

import asyncio
import enum
from collections.abc import Mapping


class ExchangeResult(enum.Enum):
    """How an exchange ended. Only `CANCELLED` and `UNKNOWN` leave open whether the server processed the request."""

    RESPONDED = "responded"
    NOT_PROCESSED = "not_processed"
    RETRY_ELSEWHERE = "retry_elsewhere"  # not processed, and a new connection may accept the request
    CANCELLED = "cancelled"  # by the caller, usually at its deadline, after the request began
    UNKNOWN = "unknown"  # the stream or the connection ended without a response


class Exchange:
    """A request with its encoded header `fields`. The response is complete when the future `ended` is done."""

    __slots__ = (
        *("body", "ended", "fields", "headers", "response_started", "result"),
        *("send_window", "status", "stream_id", "unsent"),
    )

    def __init__(self, fields: bytes, body: bytes) -> None:
        self.fields = fields
        self.unsent: bytes | None = body  # the rest of the request's body; None once all is sent
        self.stream_id = 0  # 0 until the request begins
        self.send_window = 0  # bytes that the server accepts on this stream
        self.response_started = False  # a header arrived, possibly of an informational response
        self.status = 0
        self.headers: Mapping[str, str] = {}  # of the response, names in lower case
        self.body = b""  # of the response
        self.ended = asyncio.get_running_loop().create_future()
        self.result: ExchangeResult | None = None

    def finish(self, result: ExchangeResult) -> None:
        """Sets the result; a later call changes nothing."""
        if self.result is None:
            self.result = result
            if not self.ended.done():  # a cancelled waiter has cancelled the future
                self.ended.set_result(None)
