"""Documents that are bombs, and hostile images."""

import zlib
from collections.abc import Iterator

from services.worker.tests.hostile_ends import ANY_END, BROKEN, READ, Case
from services.worker.tests.pdf_builder import (
    HELLO,
    bomb,
    contents,
    deflated,
    image,
    noise,
    object_stream,
    page,
    pdf,
    stream,
)


def _bombs() -> Iterator[Case]:
    """Bombs."""
    yield "a bomb of 2 GB of spaces", lambda: pdf({4: stream(bomb(2 << 30), b"/Filter /FlateDecode")}), ANY_END
    yield (
        "a bomb in a bomb",
        lambda: pdf({4: stream(zlib.compress(bomb(1 << 30), 9), b"/Filter [/FlateDecode /FlateDecode]")}),
        ANY_END,
    )
    yield (
        "20 million letters",
        lambda: contents(b"BT /F 1 Tf " + b"(%s) Tj " % (b"x" * 2_000) * 10_000 + b"ET"),
        ANY_END,
    )
    yield "an object stream that is a bomb", lambda: object_stream(bomb(2 << 30, b"1 0 "), 1_000_000), ANY_END
    yield "an object stream that holds itself", lambda: object_stream(zlib.compress(b"6 0 7 0 R"), 1), BROKEN
    yield "a length that is itself", lambda: pdf({4: b"<< /Length 4 0 R >>\nstream\n%s\nendstream" % HELLO}), READ
    yield "a length of a lie", lambda: pdf({4: b"<< /Length 999999999 >>\nstream\n%s\nendstream" % HELLO}), READ
    yield "a hundred filters", lambda: pdf({4: stream(HELLO, b"/Filter [" + b"/ASCIIHexDecode " * 100 + b"]")}), READ
    yield (
        "a predictor of huge columns",
        lambda: pdf(
            {
                4: deflated(
                    HELLO, b"/DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 32 /BitsPerComponent 16 >>"
                )
            }
        ),
        READ,
    )


def _images() -> Iterator[Case]:
    """Images."""
    rgb = b"/ColorSpace /DeviceRGB /BitsPerComponent 8 "
    yield (
        "JBIG2 of noise",
        lambda: image(
            b"/Width 999 /Height 999 /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode", noise(9_999)
        ),
        READ,
    )
    yield (
        "JPX of noise",
        lambda: image(b"/Width 999 /Height 999 /Filter /JPXDecode", b"\0\0\0\x0cjP  \r\n\x87\n" + noise(9_999)),
        READ,
    )
    yield (
        "JPEG of noise",
        lambda: image(rgb + b"/Width 999 /Height 999 /Filter /DCTDecode", b"\xff\xd8\xff\xe0" + noise(9_999)),
        READ,
    )
    yield (
        "CCITT of noise",
        lambda: image(
            b"/Width 9999 /Height 9999 /ColorSpace /DeviceGray /BitsPerComponent 1"
            b" /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 99999 >>",
            noise(9_999),
        ),
        READ,
    )
    yield (
        "an image of 2 thousand million pixels",
        lambda: image(rgb + b"/Width 46000 /Height 46000 /Filter /FlateDecode", bomb(1 << 26)),
        ANY_END,
    )
    yield "an image of negative size", lambda: image(rgb + b"/Width -5 /Height -5", noise(99)), READ
    yield "an image that masks itself", lambda: image(rgb + b"/Width 9 /Height 9 /SMask 6 0 R", noise(243)), READ
    yield (
        "a colour space of itself",
        lambda: image(b"/Width 9 /Height 9 /BitsPerComponent 8 /ColorSpace [/Indexed 6 0 R 255 6 0 R]", noise(99)),
        READ,
    )
    yield (
        "a pattern of itself",
        lambda: page(
            b"/Resources << /Pattern << /P 6 0 R >> >>",
            {
                4: stream(b"/Pattern cs /P scn 0 0 200 100 re f"),
                6: stream(
                    b"/Pattern cs /P scn 0 0 9 9 re f",
                    b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9]"
                    b" /XStep 0.0001 /YStep 0.0001"
                    b" /Resources << /Pattern << /P 6 0 R >> >>",
                ),
            },
        ),
        ANY_END,
    )
    yield (
        "a shading of a hostile function",
        lambda: page(
            b"/Resources << /Shading << /S << /ShadingType 1 /ColorSpace /DeviceRGB /Function 6 0 R >> >> >>",
            {
                4: stream(b"/S sh"),
                6: stream(b"{" * 5_000 + b"}" * 5_000, b"/FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1]"),
            },
        ),
        READ,
    )


def cases() -> Iterator[Case]:
    yield from _bombs()
    yield from _images()
