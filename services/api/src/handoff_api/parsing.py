"""The reading side of a connection: splits the input into requests, and limits their size and number."""

import asyncio
from collections import deque
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from handoff_api.coalescing_transport import CoalescingTransport
from handoff_api.problems import (
    CONNECT_NOT_OFFERED,
    HEAD_TOO_LARGE,
    MALFORMED_REQUEST,
    PIPELINE_TOO_LONG,
    Problem,
)

HEAD_LIMIT_BYTES = 64 * 1024  # for a head, and for a trailer section; the parser needs quadratic time for a long field
MAX_PIPELINED = 64  # requests that wait behind the one that is being answered


class ParsingProtocol(HttpToolsProtocol):
    """Parses requests within limits. Ignores Upgrade fields and discards trailer fields."""

    _output: CoalescingTransport
    _has_head = False  # whether the head of the newest request is complete
    _upgrading = False  # whether the parser stopped at an Upgrade field
    _segment_bytes = 0  # of the segment being parsed
    _made_progress = False  # whether the segment completed a head, a part of a body or a message
    _head_bytes = 0  # of the segments since the last head began, or since the last byte of a body
    _slack_bytes = 0  # of the first of these segments, when it also contains earlier input

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self._output = CoalescingTransport(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, self._output))

    def parse(self, data: bytes) -> None:
        """Parse a segment of input, which calls the `on_` methods.

        Raises:
            Problem: the server refuses this input, and must not parse any later input of the connection.
        """
        self._segment_bytes, self._made_progress = len(data), False
        try:
            self._feed(data)
        except HttpParserError as error:
            problem = error.__context__
            raise problem if isinstance(problem, Problem) else Problem(MALFORMED_REQUEST) from None
        self._head_bytes += len(data)
        if self._output.receiving and self._head_bytes - self._slack_bytes > HEAD_LIMIT_BYTES:
            raise Problem(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._has_head, self._output.receiving = False, True
        self._head_bytes, self._slack_bytes = 0, self._segment_bytes if self._made_progress else 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._head_bytes + self._segment_bytes > HEAD_LIMIT_BYTES and self._parsed_head_bytes() > HEAD_LIMIT_BYTES:
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
        self._note_progress()
        self.headers = deque(maxlen=0)  # type: ignore[assignment]  # discards trailer fields (RFC 9110, 6.5.1)

    def on_body(self, body: bytes) -> None:
        self._note_progress()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._upgrading:
            self._output.receiving, self._made_progress = False, True
            super().on_message_complete()

    def _note_progress(self) -> None:
        self._made_progress, self._head_bytes, self._slack_bytes = True, 0, self._segment_bytes

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
        """Parse the head again without its Upgrade field.

        The parser skips the body of a request that has an Upgrade field, and uvicorn then treats that body as the next
        request: https://github.com/Kludex/uvicorn/issues/2722.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (method, self.url, version)]
        lines += [b"%s: %s" % field for field in self.headers if field[0] != b"upgrade"]
        self._upgrading = False
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))

    def _parsed_head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
