"""HTTP/2 frames: protocol constants, encoding and parsing (RFC 9113, sections 4 to 7)."""

from collections.abc import Iterator
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEADER = Struct(">HBBBI")  # payload length in 16 and 8 bits, type, flags, stream id
MAX_PAYLOAD_BYTES = 16_384  # the initial SETTINGS_MAX_FRAME_SIZE, which every peer accepts
MAX_UINT31 = 2**31 - 1  # the largest stream id, and the largest flow-control window in bytes

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR = 0x0, 0x1, 0x3, 0x6
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 0x7, 0x8, 0x9, 0xB
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 0x1, 0x2, 0x3, 0x4

Frame = tuple[int, int, int, bytes]  # type, flags, stream id, payload


class ProtocolError(Exception):
    """The server violated the protocol. `code` is the error code for the GOAWAY frame."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def encode_frame(frame_type: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Returns the bytes of one frame. Stream id 0 is the connection itself."""
    size = len(payload)
    return FRAME_HEADER.pack(size >> 8, size & 0xFF, frame_type, flags, stream_id) + payload


def encode_uint32(value: int) -> bytes:
    """Returns a 32-bit field of a payload."""
    return value.to_bytes(4)


def strip_padding(payload: bytes) -> bytes:
    """Returns the payload of a PADDED frame without its padding.

    Raises:
        ProtocolError: the padding is as long as the payload, or longer.
    """
    if not payload or payload[0] >= len(payload):
        raise ProtocolError(PROTOCOL_ERROR)
    return payload[1 : len(payload) - payload[0]]


class FrameReader:
    """Splits a byte stream into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yields the frames that `data` completes, and keeps an incomplete one for the next call.

        Raises:
            ProtocolError: a payload is longer than `MAX_PAYLOAD_BYTES`.
        """
        data, at = self._rest + data, 0
        while len(data) - at >= FRAME_HEADER.size:
            high, low, frame_type, flags, stream_id = FRAME_HEADER.unpack_from(data, at)
            if (size := high << 8 | low) > MAX_PAYLOAD_BYTES:
                raise ProtocolError(FRAME_SIZE_ERROR)
            start = at + FRAME_HEADER.size
            if len(data) - start < size:
                break
            at = start + size
            yield frame_type, flags, stream_id & MAX_UINT31, data[start:at]
        self._rest = data[at:]
