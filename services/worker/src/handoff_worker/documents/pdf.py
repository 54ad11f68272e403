"""Reads a PDF with PDFium. Only the confined child process uses it."""

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

MAX_PIXELS = 20_000_000  # of an image; A3 at 300 dpi fits
MAX_SIDE_PIXELS = 20_000
PAGE_TEXT_LIMIT = 200_000  # characters of a page
TEXT_LIMIT = 4_000_000  # characters of a document
OUTLINE_ENTRIES_LIMIT = 1_000
TITLE_LIMIT = 200  # characters of an outline entry
VALUE_LIMIT = 1_000  # characters of a metadata value
STRING_LIMIT_BYTES = 64 * 1024  # longer titles and values are left out
METADATA_KEYS = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate")
# Removes control characters, and restores the hyphens that PDFium marks at the end of a line.
TEXT_CLEANUP = dict.fromkeys((*range(32), *range(127, 160), 65535)) | {9: "\t", 10: "\n", 2: "-", 0xFFFE: "-"}

codecs.lookup("utf-16-le")  # imports the codec before the process is confined


class Document:
    """An open document.

    Raises:
        pypdfium2.PdfiumError: PDFium can't open the document; `err_code` is the reason.
    """

    def __init__(self, content: bytes, password: str | None) -> None:
        self._pdf = pypdfium2.PdfDocument(content, password)
        with suppress(pypdfium2.PdfiumError):
            self._pdf.init_forms()  # page images show form fields; this build of PDFium runs no scripts
        self._characters_left = TEXT_LIMIT
        self.page_count = len(self._pdf)

    def describe(self) -> dict[str, Any]:
        """The body of the D frame: page count, metadata and outline."""
        metadata = {
            key: _string(raw.FPDF_GetMetaText, self._pdf, f"{key}\0".encode())[:VALUE_LIMIT] for key in METADATA_KEYS
        }
        bookmarks = self._pdf.get_toc()
        entries = [self._entry(bookmark) for bookmark in islice(bookmarks, OUTLINE_ENTRIES_LIMIT)]
        more = next(bookmarks, None) is not None
        return {"page_count": self.page_count, "metadata": metadata, "outline": entries, "outline_truncated": more}

    def page(self, number: int, dpi: int | None, write_image: Callable[[bytes], object]) -> dict[str, Any]:
        """The body of the P frame of a page. With a `dpi`, calls `write_image` with each piece of its image."""
        found: dict[str, Any] = {"number": number, "width": 0.0, "height": 0.0, "text": ""}
        try:
            page = self._pdf[number - 1]
            width, height = page.get_size()
            if not (math.isfinite(width) and math.isfinite(height)):
                return found | {"broken": True}
            found |= {"width": round(width, 2), "height": round(height, 2)} | self._text(page)
            if dpi:
                found["image"] = _render(page, dpi / 72, write_image)
            page.close()
        except pypdfium2.PdfiumError:
            found["broken"] = True
        return found

    def _entry(self, bookmark: pypdfium2.PdfBookmark) -> dict[str, Any]:
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        return {
            "level": bookmark.level,
            "title": _string(raw.FPDFBookmark_GetTitle, bookmark)[:TITLE_LIMIT],
            "page": index + 1 if index is not None and index < self.page_count else None,
        }

    def _text(self, page: pypdfium2.PdfPage) -> dict[str, Any]:
        textpage = page.get_textpage()
        count = textpage.count_chars()
        kept = min(count, PAGE_TEXT_LIMIT, self._characters_left)
        text = textpage.get_text_range(0, kept) if kept > 0 else ""
        textpage.close()
        self._characters_left -= len(text)
        return {"text": text.translate(TEXT_CLEANUP)[:PAGE_TEXT_LIMIT], "truncated": kept < count}


def _render(page: pypdfium2.PdfPage, scale: float, write_image: Callable[[bytes], object]) -> dict[str, int]:
    width, height = (max(side, 0.01) for side in page.get_size())
    scale = min(scale, math.sqrt(MAX_PIXELS / (width * height)), MAX_SIDE_PIXELS / max(width, height))
    bitmap = page.render(scale=scale, rev_byteorder=True)
    pixels = memoryview(bitmap.buffer).cast("B")
    for piece in png(pixels, bitmap.width, bitmap.height, bitmap.stride):
        write_image(piece)
    size = {"width": bitmap.width, "height": bitmap.height}
    bitmap.close()
    return size


def _string(read: Callable[..., int], *source: Any) -> str:
    size = read(*source, None, 0)
    if not 2 < size <= STRING_LIMIT_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    read(*source, buffer, size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace").translate(TEXT_CLEANUP).strip()
