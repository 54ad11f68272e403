"""The process that parses one document: `python -m handoff_worker.documents.child <file descriptor> <parent's pid>`.

Its orders come on its standard input, as JSON; the document is read from the descriptor. On its standard output it
writes frames: a letter, the length of the rest in four bytes, and the rest.
    D: the document's page count, metadata and outline, as JSON
    I: a piece of the next page's image
    P: a page, as JSON
Its exit code is one of `ENDS`, or it died of a signal.
"""

import json
import os
import sys
from typing import Any

import pypdfium2
from pypdfium2 import raw

from handoff_worker.documents.exit_codes import BROKEN, DONE, EMPTY, ENCRYPTED, NO_SUCH_PAGE, OUT_OF_MEMORY
from handoff_worker.documents.pdf import Document
from handoff_worker.documents.sandbox import confine

LOCKED = {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}


def say(kind: bytes, body: bytes) -> None:
    sys.stdout.buffer.write(kind + len(body).to_bytes(4, "big") + body)


def tell(kind: bytes, found: dict[str, Any]) -> None:
    say(kind, json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def extract(content: bytes, orders: dict[str, Any]) -> int:
    """Tells of the document; gives the exit code."""
    if not content:
        return EMPTY
    try:
        document = Document(content, orders["password"])
    except pypdfium2.PdfiumError as error:
        if error.err_code in LOCKED:
            return ENCRYPTED
        return EMPTY if error.err_code == raw.FPDF_ERR_SUCCESS else BROKEN
    first = orders["first_page"]
    if first > document.page_count:
        return NO_SUCH_PAGE
    tell(b"D", document.about())
    broken = True
    for number in range(first, min(first + orders["pages"], document.page_count + 1)):
        page = document.page(number, orders["dpi"], lambda piece: say(b"I", piece))
        broken = broken and page.get("broken", False)
        tell(b"P", page)
    return BROKEN if broken else DONE


def main() -> int:
    descriptor, parent = map(int, sys.argv[1:])
    os.closerange(3, descriptor)  # uvloop leaves open what the worker was started with
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
    orders = json.load(sys.stdin.buffer)
    with os.fdopen(descriptor, "rb") as file:
        confine(parent, orders["memory"], orders["computing"])
        try:
            end = extract(file.read(orders["limit"]), orders)
            sys.stdout.buffer.flush()
        except MemoryError:
            return OUT_OF_MEMORY
        return end


if __name__ == "__main__":
    os._exit(main())  # without what PDFium does at its end: a broken document can crash that too
