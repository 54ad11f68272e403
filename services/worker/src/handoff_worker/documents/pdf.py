"""Reads a PDF with PDFium. It runs in the child alone, after it is confined."""

import codecs
import ctypes
import math
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any

import pypdfium2
from pypdfium2 import raw

from handoff_worker.documents.png import png

PIXELS = 20_000_000  # of an image: A3 at 300 dpi, and a bit
SIDE = 20_000  # pixels
PAGE_TEXT = 200_000  # characters of a page that are kept
ALL_TEXT = 4_000_000  # characters of a document that are kept
ENTRIES = 1_000  # of an outline that are read
TITLE = 200  # characters of an outline's entry that are kept
VALUE = 1_000  # characters of a metadata value that are kept
STRING = 64 * 1024  # bytes of either; a longer one is left out
KEYS = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate")
# Controls, and what PDFium writes for a hyphen at the end of a line, are no text.
CLEAN = dict.fromkeys((*range(32), *range(127, 160), 65535)) | {9: "\t", 10: "\n", 2: "-", 0xFFFE: "-"}

codecs.lookup("utf-16-le")  # imports it, while that is possible


class Document:
    """A document that is open.

    Raises:
        pypdfium2.PdfiumError: it can't be opened; `err_code` says why.
    """

    def __init__(self, content: bytes, password: str | None) -> None:
        self._pdf = pypdfium2.PdfDocument(content, password)
        with suppress(pypdfium2.PdfiumError):
            self._pdf.init_forms()  # images show what is filled in; this PDFium runs no scripts
        self._left = ALL_TEXT
        self.page_count = len(self._pdf)

    def about(self) -> dict[str, Any]:
        """Metadata and outline."""
        metadata = {key: _string(raw.FPDF_GetMetaText, self._pdf, f"{key}\0".encode())[:VALUE] for key in KEYS}
        bookmarks = self._pdf.get_toc()
        entries = [self._entry(bookmark) for bookmark in islice(bookmarks, ENTRIES)]
        more = next(bookmarks, None) is not None
        return {"page_count": self.page_count, "metadata": metadata, "outline": entries, "outline_truncated": more}

    def page(self, number: int, dpi: int | None, image: Callable[[bytes], object]) -> dict[str, Any]:
        """A page: its size and text; `image` is given its image piece by piece, if there is a `dpi`."""
        found: dict[str, Any] = {"number": number, "width": 0.0, "height": 0.0, "text": ""}
        try:
            page = self._pdf[number - 1]
            width, height = page.get_size()
            if not (math.isfinite(width) and math.isfinite(height)):
                return found | {"broken": True}
            found |= {"width": round(width, 2), "height": round(height, 2)} | self._text(page)
            if dpi:
                found["image"] = _render(page, dpi / 72, image)
            page.close()
        except pypdfium2.PdfiumError:
            found["broken"] = True
        return found

    def _entry(self, bookmark: pypdfium2.PdfBookmark) -> dict[str, Any]:
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        return {
            "level": bookmark.level,
            "title": _string(raw.FPDFBookmark_GetTitle, bookmark)[:TITLE],
            "page": index + 1 if index is not None and index < self.page_count else None,
        }

    def _text(self, page: pypdfium2.PdfPage) -> dict[str, Any]:
        textpage = page.get_textpage()
        count = textpage.count_chars()
        kept = min(count, PAGE_TEXT, self._left)
        text = textpage.get_text_range(0, kept) if kept > 0 else ""
        textpage.close()
        self._left -= len(text)
        return {"text": text.translate(CLEAN)[:PAGE_TEXT], "truncated": kept < count}


def _render(page: pypdfium2.PdfPage, scale: float, image: Callable[[bytes], object]) -> dict[str, int]:
    width, height = (max(side, 0.01) for side in page.get_size())
    scale = min(scale, math.sqrt(PIXELS / (width * height)), SIDE / max(width, height))
    bitmap = page.render(scale=scale, rev_byteorder=True)
    pixels = memoryview(bitmap.buffer).cast("B")
    for piece in png(pixels, bitmap.width, bitmap.height, bitmap.stride):
        image(piece)
    size = {"width": bitmap.width, "height": bitmap.height}
    bitmap.close()
    return size


def _string(read: Callable[..., int], *source: Any) -> str:
    size = read(*source, None, 0)
    if not 2 < size <= STRING:
        return ""
    buffer = ctypes.create_string_buffer(size)
    read(*source, buffer, size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace").translate(CLEAN).strip()
