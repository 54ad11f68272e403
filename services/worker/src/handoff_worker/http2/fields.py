"""Header fields in HPACK (RFC 7541), without its table: a field is the same bytes whenever it is sent.

So one that thousands of requests have is encoded once, and none is in a table where others could be compared to it.
"""

import logging
import re
from collections.abc import Mapping
from functools import lru_cache

from hpack import Decoder, Encoder, HPACKError

from handoff_worker.http2.frames import COMPRESSION_ERROR, PROTOCOL_ERROR, Broken

NAME = re.compile(r":?[a-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[!-~]([ -~]*[!-~])?|")
STATUS = re.compile(r"[1-9][0-9]{2}")

logging.getLogger("hpack").setLevel(logging.INFO)  # at DEBUG it tells the fields
_encoder = Encoder()


@lru_cache(maxsize=256)
def encoded(name: str, value: str) -> bytes:
    """A field of a request. Raises `ValueError` for a malformed one."""
    name = name.lower()
    if not (NAME.fullmatch(name) and VALUE.fullmatch(value)):
        raise ValueError("a header is malformed")
    return _encoder.encode([(name, value, True)])  # sensitive: in no table, here or at a proxy on its way


@lru_cache(maxsize=256)
def decoded(block: bytes) -> tuple[int, Mapping[str, str]]:
    """A reply's status and its fields, names in lower case. Raises `Broken` where that is not what it says."""
    decoder = Decoder()
    decoder.max_allowed_table_size = decoder.header_table_size = 0
    try:
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in decoder.decode(block, raw=True)}
    except HPACKError:
        raise Broken(COMPRESSION_ERROR) from None
    if not STATUS.fullmatch(status := fields.get(":status", "")):
        raise Broken(PROTOCOL_ERROR)
    return int(status), fields
