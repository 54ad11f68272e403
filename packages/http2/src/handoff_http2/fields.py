"""Header fields in HPACK (RFC 7541): ours in no table, so that a field is the same bytes whenever it is sent, and the
server is asked to do likewise. So one that thousands have is encoded once, and their replies' headers decoded once.
"""

import logging
import re
from collections.abc import Mapping
from functools import lru_cache

from hpack import Decoder, Encoder, HPACKError

from handoff_http2.frames import COMPRESSION_ERROR, Broken

NAME = re.compile(r":?[a-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[!-~]([ -~]*[!-~])?|")
MOST_KNOWN = 256  # headers of replies that are remembered
STATUS = re.compile(r"[1-9][0-9]{2}")

Header = tuple[int, Mapping[str, str]]

logging.getLogger("hpack").setLevel(logging.INFO)  # at DEBUG it tells the fields
_encoder = Encoder()


@lru_cache(maxsize=256)
def encoded(name: str, value: str) -> bytes:
    """A field of a request. Raises `ValueError` for a malformed one."""
    name = name.lower()
    if not (NAME.fullmatch(name) and VALUE.fullmatch(value)):
        raise ValueError("a header is malformed")
    return _encoder.encode([(name, value, True)])  # sensitive: in no table, here or at a proxy on its way


class Headers:
    """The headers of one connection's replies: each has to be read, for the next may lean on it."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._table = self._decoder.header_table
        self._size = self._table.maxsize
        self._known: dict[bytes, Header] = {}  # while nothing is in the table, as in that of a server that heeds us

    def read(self, block: bytes) -> Header:
        """A header's status, 0 if it has none, and its fields, names in lower case. Raises `Broken`."""
        if block in self._known:
            return self._known[block]
        leans = bool(self._table.dynamic_entries)
        try:
            decoded = self._decoder.decode(block, raw=True)
        except HPACKError:
            raise Broken(COMPRESSION_ERROR) from None
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in decoded}
        status = fields.get(":status", "")
        header = int(status) if STATUS.fullmatch(status) else 0, fields
        if leans or self._table.dynamic_entries or self._table.maxsize != self._size or len(self._known) == MOST_KNOWN:
            self._known.clear()
            self._size = self._table.maxsize
        else:
            self._known[block] = header
        return header
