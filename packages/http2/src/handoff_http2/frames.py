"""Frames: what the bytes of a connection consist of (RFC 9113, 4 to 6)."""

from collections.abc import Iterator
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = Struct(">HBBBI")  # the payload's length in 16 and 8 bits, kind, flags, stream
LONGEST = 16_384  # bytes of a payload that everyone takes
MOST = 2**31 - 1  # of a window's bytes, or of a stream's id

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR = 0x0, 0x1, 0x3, 0x6
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 0x7, 0x8, 0x9, 0xB
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 0x1, 0x2, 0x3, 0x4

Frame = tuple[int, int, int, bytes]  # kind, flags, stream, payload


class Broken(Exception):
    """The other side broke the protocol. `code` says how, as one of the error codes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame's bytes."""
    size = len(payload)
    return HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def number(value: int) -> bytes:
    """A payload of 32 bits."""
    return value.to_bytes(4)


def unpadded(payload: bytes) -> bytes:
    """A payload without its padding. Raises `Broken` where it is all padding, or more."""
    if not payload or payload[0] >= len(payload):
        raise Broken(PROTOCOL_ERROR)
    return payload[1 : len(payload) - payload[0]]


class Reader:
    """Finds the frames in what comes."""

    def __init__(self) -> None:
        self._rest = b""

    def frames(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now. Raises `Broken` for one that is longer than was agreed."""
        data, at = self._rest + data, 0
        while len(data) - at >= HEAD.size:
            high, low, kind, flags, stream = HEAD.unpack_from(data, at)
            if (size := high << 8 | low) > LONGEST:
                raise Broken(FRAME_SIZE_ERROR)
            begin = at + HEAD.size
            if len(data) - begin < size:
                break
            at = begin + size
            yield kind, flags, stream & MOST, data[begin:at]
        self._rest = data[at:]
