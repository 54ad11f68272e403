"""Header fields in HPACK (RFC 7541), without dynamic tables.

The same field always has the same bytes, so fields of requests and headers of responses are cached.
"""

import logging
import re
from collections.abc import Mapping
from functools import lru_cache

from hpack import Decoder, Encoder, HPACKError

from handoff_http2.frames import COMPRESSION_ERROR, ProtocolError

NAME = re.compile(r":?[a-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[!-~]([ -~]*[!-~])?|")
STATUS = re.compile(r"[1-9][0-9]{2}")
MAX_CACHED_HEADERS = 256

Header = tuple[int, Mapping[str, str]]  # status and fields

logging.getLogger("hpack").setLevel(logging.INFO)  # at DEBUG it logs the values of fields
_encoder = Encoder()


@lru_cache(maxsize=256)
def encode_field(name: str, value: str) -> bytes:
    """Returns a request's header field in HPACK. Raises `ValueError` for a malformed field."""
    name = name.lower()
    if not (NAME.fullmatch(name) and VALUE.fullmatch(value)):
        raise ValueError("a header is malformed")
    return _encoder.encode([(name, value, True)])  # sensitive: neither the server nor a proxy may index the field


class HeaderDecoder:
    """Decodes the response headers of one connection. Decode each one: later headers can refer to earlier ones."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._table = self._decoder.header_table
        self._table_bytes = self._table.maxsize
        self._cache: dict[bytes, Header] = {}  # valid only while the server leaves the dynamic table empty

    def decode(self, block: bytes) -> Header:
        """Returns the status, 0 if it is missing, and the fields with names in lower case.

        Raises:
            ProtocolError: the header block is malformed.
        """
        if block in self._cache:
            return self._cache[block]
        had_entries = bool(self._table.dynamic_entries)
        try:
            decoded = self._decoder.decode(block, raw=True)
        except HPACKError:
            raise ProtocolError(COMPRESSION_ERROR) from None
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in decoded}
        status = fields.get(":status", "")
        header = int(status) if STATUS.fullmatch(status) else 0, fields
        uses_table = had_entries or self._table.dynamic_entries or self._table.maxsize != self._table_bytes
        if uses_table or len(self._cache) == MAX_CACHED_HEADERS:
            self._cache.clear()
            self._table_bytes = self._table.maxsize
        else:
            self._cache[block] = header
        return header
