"""Documents whose structure is wrong."""

from collections.abc import Iterator

from services.worker.tests.hostile_ends import ANY_END, BROKEN, EMPTY, READ, Case
from services.worker.tests.pdf_builder import (
    HELLO,
    PAGE,
    contents,
    deep_tree,
    doubling_forms,
    flat_tree,
    flipped,
    good,
    noise,
    page,
    pdf,
    stream,
)


def _no_pdf() -> Iterator[Case]:
    """No PDF at all."""
    yield "nothing", lambda: b"", EMPTY
    yield "one byte", lambda: b"%", BROKEN
    yield "text", lambda: b"Dear Sir or Madam,\n" * 100, BROKEN
    yield "noise", lambda: noise(100_000), BROKEN
    yield "zeros", lambda: bytes(1_000_000), BROKEN
    yield "a header and nothing", lambda: b"%PDF-1.7\n%%EOF\n", BROKEN
    yield "a header and noise", lambda: b"%PDF-1.7\n" + noise(100_000), BROKEN
    yield "a zip", lambda: b"PK\x03\x04" + noise(5_000), BROKEN
    yield "a PNG", lambda: b"\x89PNG\r\n\x1a\n" + noise(5_000), BROKEN
    yield "HTML", lambda: b"<html><body>404 Not Found</body></html>", BROKEN


def _cut() -> Iterator[Case]:
    """Cut and bent."""
    whole = good(3)
    yield "its first half", lambda: whole[: len(whole) // 2], BROKEN
    yield "its last half", lambda: whole[len(whole) // 2 :], BROKEN
    yield "no last kilobyte", lambda: whole[:-1024], BROKEN
    yield "each 50th byte is another", lambda: flipped(whole, 0.02, 1), ANY_END
    yield "each 5th byte is another", lambda: flipped(whole, 0.2, 2), ANY_END


def _tables() -> Iterator[Case]:
    """The table of what is where."""
    yield "no table", lambda: pdf(xref=False), READ
    yield "a table of lies", lambda: pdf().replace(b"00000 n", b"99999 n"), READ
    yield "a table that is its own predecessor", lambda: pdf(trailer=b"/Prev 9"), READ
    yield "a table beyond the end", lambda: pdf().replace(b"startxref\n", b"startxref\n9999999"), READ
    yield "a table of four thousand million", lambda: pdf().replace(b"xref\n0 6", b"xref\n0 4294967295"), READ
    yield "no root", lambda: pdf().replace(b"/Root 1 0 R", b""), BROKEN
    yield "a root that is a number", lambda: pdf({1: b"42"}), BROKEN
    yield "a root that is the page", lambda: pdf().replace(b"/Root 1 0 R", b"/Root 3 0 R"), EMPTY


def _trees() -> Iterator[Case]:
    """The tree of pages."""
    yield "pages that are their own kids", lambda: pdf({2: b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"}), ANY_END
    yield "a page that is its own parent", lambda: page(b"/Parent 3 0 R"), READ
    yield "no pages", lambda: pdf({2: b"<< /Type /Pages /Kids [] /Count 0 >>"}), EMPTY
    yield (
        "a count of a thousand million",
        lambda: pdf({2: b"<< /Type /Pages /Kids [3 0 R] /Count 1000000000 >>"}),
        ANY_END,
    )
    yield "a count below zero", lambda: pdf({2: b"<< /Type /Pages /Kids [3 0 R] /Count -7 >>"}), ANY_END
    yield "20,000 pages", lambda: flat_tree(20_000), READ
    yield "a tree 5,000 deep", lambda: deep_tree(5_000), ANY_END
    yield "kids that are strings", lambda: pdf({2: b"<< /Type /Pages /Kids [(a) (b)] /Count 2 >>"}), ANY_END


def _numbers() -> Iterator[Case]:
    """Boxes and numbers."""
    yield "a huge page", lambda: page(b"/MediaBox [0 0 1e9 1e9]"), READ
    yield "a page of no size", lambda: page(b"/MediaBox [0 0 0 0]"), READ
    yield "a page inside out", lambda: page(b"/MediaBox [500 500 -500 -500]"), READ
    yield "a page that is a line", lambda: page(b"/MediaBox [0 0 1000000 0.0001]"), READ
    yield "numbers that are none", lambda: page(b"/MediaBox [NaN inf -inf 1e400]"), READ
    yield "a unit of a million", lambda: page(b"/UserUnit 1000000"), READ
    yield "text of a size beyond all", lambda: contents(b"BT /F 1e38 Tf 1e38 0 0 1e38 1e38 1e38 Tm (x) Tj ET"), READ


def _nesting() -> Iterator[Case]:
    """Nesting."""
    yield "arrays in arrays", lambda: pdf({5: b"[" * 100_000 + b"]" * 100_000}), READ
    yield "dictionaries in dictionaries", lambda: pdf({5: b"<</A" * 100_000 + b">>" * 100_000}), ANY_END
    yield "a page saved 200,000 times", lambda: contents(b"q " * 200_000 + HELLO), READ
    yield "marks in marks", lambda: contents(b"/A BMC " * 200_000 + HELLO), ANY_END
    yield (
        "a form that draws itself",
        lambda: pdf(
            {
                3: PAGE.replace(b"/Font", b"/XObject << /X 6 0 R >> /Font"),
                4: stream(b"/X Do"),
                6: stream(
                    b"/X Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>"
                ),
            }
        ),
        READ,
    )
    yield "forms that double", lambda: doubling_forms(12), ANY_END


def cases() -> Iterator[Case]:
    yield from _no_pdf()
    yield from _cut()
    yield from _tables()
    yield from _trees()
    yield from _numbers()
    yield from _nesting()
