"""Makes PDFs by hand, so that anything can be wrong in them."""

import io
import random
import zlib

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
HELLO = b"BT /F 12 Tf 10 50 Td (Hello) Tj ET"


def stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), more, data)


def deflated(data: bytes, more: bytes = b"") -> bytes:
    return stream(zlib.compress(data, 9), b"/Filter /FlateDecode " + more)


def bomb(size: int, unit: bytes = b" ") -> bytes:
    """A deflated stream of `size` bytes, a thousandth of that long. Its end is missing: nobody gets that far."""
    deflate = zlib.compressobj(9)
    block = unit * (1024 * 1024 // len(unit))
    begin = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    again = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    return begin + again * (size // len(block) - 1)


def pdf(changes: dict[int, bytes] | None = None, trailer: bytes = b"", *, xref: bool = True) -> bytes:
    """A document of one page that says Hello, with some of its objects changed."""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: PAGE,
        4: stream(HELLO),
        5: FONT,
    } | (changes or {})
    text = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = {}
    for number, body in objects.items():
        places[number] = len(text)
        text += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    at, size = len(text), max(objects) + 1
    if xref:
        text += b"xref\n0 %d\n0000000000 65535 f \n" % size
        for number in range(1, size):
            text += b"%010d %05d %s \n" % (places.get(number, 0), 0, b"n" if number in places else b"f")
    return bytes(text) + b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, at)


def contents(data: bytes) -> bytes:
    return pdf({4: deflated(data)})


def page(entries: bytes, more: dict[int, bytes] | None = None) -> bytes:
    """The one page has these entries as well; of two with one name, the last is meant."""
    return pdf({3: PAGE[:-2] + entries + b" >>"} | (more or {}))


def image(entries: bytes, data: bytes) -> bytes:
    """The page shows an image that is made so."""
    return pdf(
        {
            3: PAGE.replace(b"/Font", b"/XObject << /I 6 0 R >> /Font"),
            4: stream(b"q 200 0 0 100 0 0 cm /I Do Q"),
            6: stream(data, b"/Type /XObject /Subtype /Image " + entries),
        }
    )


def font(entries: bytes, more: dict[int, bytes]) -> bytes:
    return pdf({5: b"<< /Type /Font /BaseFont /Evil " + entries + b" >>"} | more)


def good(pages: int = 1, encrypt: StandardEncryption | None = None) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, encrypt=encrypt, pageCompression=1)
    for number in range(1, pages + 1):
        canvas.drawString(72, 700, f"Page {number}")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)  # noqa: S311  # the same in each run


def flipped(document: bytes, share: float, seed: int) -> bytes:
    """Some of its bytes are others."""
    chance = random.Random(seed)  # noqa: S311  # the same in each run
    return bytes(chance.randrange(256) if chance.random() < share else byte for byte in document)


def flat_tree(count: int) -> bytes:
    kids = b" ".join([b"3 0 R"] * count)
    return pdf({2: b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count)})


def deep_tree(depth: int) -> bytes:
    tree = {
        at: b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 1 >>" % (at - 1, at + 1)
        for at in range(10, 10 + depth)
    }
    return pdf({2: b"<< /Type /Pages /Kids [10 0 R] /Count 1 >>", **tree, 10 + depth: PAGE})


def wide_outline(count: int) -> bytes:
    items = {at: b"<< /Title (%s) /Parent 6 0 R /Next %d 0 R >>" % (b"x" * 400, at + 1) for at in range(10, 10 + count)}
    return pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>",
            6: b"<< /Type /Outlines /First 10 0 R /Last %d 0 R /Count %d >>" % (9 + count, count),
            **items,
        }
    )


def outline(items: dict[int, bytes]) -> bytes:
    catalog = b"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>"
    return pdf({1: catalog, 6: b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>", **items})


def doubling_forms(depth: int) -> bytes:
    """Each form draws the next one ten times: 10 ** depth of them."""
    forms = {
        at: stream(
            b"/N Do " * 10,
            b"/Type /XObject /Subtype /Form /BBox [0 0 200 100] /Resources << /XObject << /N %d 0 R >> >>" % (at + 1),
        )
        for at in range(10, 10 + depth)
    }
    last = stream(b"0 0 9 9 re f " * 100, b"/Type /XObject /Subtype /Form /BBox [0 0 200 100]")
    return page(b"/Resources << /XObject << /N 10 0 R >> >>", {4: stream(b"/N Do " * 10), **forms, 10 + depth: last})


def object_stream(data: bytes, count: int) -> bytes:
    """The catalog is said to be in an object stream."""
    head = b"%PDF-1.7\n"
    packed = b"6 0 obj\n%s\nendobj\n" % stream(data, b"/Type /ObjStm /N %d /First 4 /Filter /FlateDecode" % count)
    rows = b"".join(
        [b"\0\0\0\0\0\xff", b"\x02\0\0\0\x06\0", b"\0" * 24, b"\x01" + len(head).to_bytes(4, "big") + b"\0"]
    )
    table = b"7 0 obj\n%s\nendobj\n" % stream(rows, b"/Type /XRef /W [1 4 1] /Size 7 /Root 1 0 R")
    return head + packed + table + b"startxref\n%d\n%%%%EOF\n" % (len(head) + len(packed))
