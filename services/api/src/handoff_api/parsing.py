"""The reading side of a connection: which bytes are a request, and how many of them are too many."""

import asyncio
from collections import deque
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from handoff_api.coalescing_transport import Corked
from handoff_api.problems import (
    CONNECT_NOT_OFFERED,
    HEAD_TOO_LARGE,
    MALFORMED_REQUEST,
    PIPELINE_TOO_LONG,
    Problem,
)

HEAD_LIMIT = 64 * 1024  # bytes of a head, and of a trailer section; the parser takes quadratic time for a long field
MAX_PIPELINED = 64  # requests that wait while an earlier one is answered


class ParsingProtocol(HttpToolsProtocol):
    """Reads requests with limits. It ignores Upgrade fields and discards trailer fields."""

    _wire: Corked
    _has_head = False  # the head of the newest request is complete
    _upgrading = False  # the parser stopped reading because of an Upgrade field
    _segment = 0  # bytes of the segment that is parsed
    _moved = False  # the segment ended a head, a part of a body or a message
    _size = 0  # bytes of the segments since the last head began, or since the last byte of a body
    _slack = 0  # bytes of the first of these segments, when it holds more than that

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self._wire = Corked(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, self._wire))

    def parse(self, data: bytes) -> None:
        """Calls the `on_` methods for a segment of input.

        Raises:
            Problem: the input is no request that the server reads. Nothing may be parsed after it.
        """
        self._segment, self._moved = len(data), False
        try:
            self._feed(data)
        except HttpParserError as error:
            problem = error.__context__
            raise problem if isinstance(problem, Problem) else Problem(MALFORMED_REQUEST) from None
        self._size += len(data)
        if self._wire.receiving and self._size - self._slack > HEAD_LIMIT:
            raise Problem(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._has_head, self._wire.receiving = False, True
        self._size, self._slack = 0, self._segment if self._moved else 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._size + self._segment > HEAD_LIMIT and self._head_size() > HEAD_LIMIT:
            raise Problem(HEAD_TOO_LARGE)
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise Problem(CONNECT_NOT_OFFERED)
            self._upgrading = True
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            raise Problem(PIPELINE_TOO_LONG)
        super().on_headers_complete()
        self._has_head = True
        self._move()
        self.headers = deque(maxlen=0)  # type: ignore[assignment]  # discards trailer fields (RFC 9110, 6.5.1)

    def on_body(self, body: bytes) -> None:
        self._move()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._upgrading:
            self._wire.receiving, self._moved = False, True
            super().on_message_complete()

    def _move(self) -> None:
        self._moved, self._size, self._slack = True, 0, self._segment

    def _feed(self, data: bytes | memoryview) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                offset = upgrade.args[0]
            else:
                return
            data = memoryview(data)[offset:]
            self._parse_head_again()

    def _parse_head_again(self) -> None:
        """Parses the head without its Upgrade field: the parser skips the body of a request that has one.

        uvicorn then takes the body for the next request: https://github.com/Kludex/uvicorn/issues/2722.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (method, self.url, version)]
        lines += [b"%s: %s" % field for field in self.headers if field[0] != b"upgrade"]
        self._upgrading = False
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
