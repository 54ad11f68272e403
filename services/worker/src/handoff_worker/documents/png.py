"""Writes PNG images: only the parts of the format that a page image needs."""

import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB8 = b"\x08\x02\x00\x00\x00"  # 8 bits a sample, RGB, not interlaced
CHUNK_BYTES = 256 * 1024


def png(pixels: memoryview, width: int, height: int, stride: int) -> Iterator[bytes]:
    """Yields the image in pieces. `stride`: bytes from one row of RGB pixels to the next."""
    yield SIGNATURE + _chunk(b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + RGB8)
    deflate = zlib.compressobj(4)
    ready = bytearray()
    for at in range(0, height * stride, stride):
        ready += deflate.compress(b"\0")  # no filter for this row
        ready += deflate.compress(pixels[at : at + width * 3])
        if len(ready) >= CHUNK_BYTES:
            yield _chunk(b"IDAT", bytes(ready))
            ready.clear()
    yield _chunk(b"IDAT", bytes(ready) + deflate.flush())
    yield _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
