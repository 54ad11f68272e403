"""The process that parses one document: `python -m handoff_worker.documents.child <file descriptor> <parent's pid>`.

It reads its options from standard input, as JSON, and the document from the descriptor. To standard output it writes
frames: a letter, the length of the body in four bytes, and the body.
    D: the document's page count, metadata and outline, as JSON
    I: a piece of the next page's image
    P: a page, as JSON
It exits with a code of `exit_codes`, or dies of a signal.
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

PASSWORD_ERRORS = {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}


def write_frame(kind: bytes, body: bytes) -> None:
    sys.stdout.buffer.write(kind + len(body).to_bytes(4, "big") + body)


def write_json_frame(kind: bytes, found: dict[str, Any]) -> None:
    write_frame(kind, json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def extract(content: bytes, options: dict[str, Any]) -> int:
    """Writes the frames of a document and returns the exit code."""
    if not content:
        return EMPTY
    try:
        document = Document(content, options["password"])
    except pypdfium2.PdfiumError as error:
        if error.err_code in PASSWORD_ERRORS:
            return ENCRYPTED
        return EMPTY if error.err_code == raw.FPDF_ERR_SUCCESS else BROKEN
    first = options["first_page"]
    if first > document.page_count:
        return NO_SUCH_PAGE
    write_json_frame(b"D", document.describe())
    broken = True
    for number in range(first, min(first + options["pages"], document.page_count + 1)):
        page = document.page(number, options["dpi"], lambda piece: write_frame(b"I", piece))
        broken = broken and page.get("broken", False)
        write_json_frame(b"P", page)
    return BROKEN if broken else DONE


def main() -> int:
    descriptor, parent = map(int, sys.argv[1:])
    os.closerange(3, descriptor)  # uvloop lets the child inherit files of the worker
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
    options = json.load(sys.stdin.buffer)
    with os.fdopen(descriptor, "rb") as file:
        confine(parent, options["memory_bytes"], options["cpu_seconds"])
        try:
            exit_code = extract(file.read(options["limit"]), options)
            sys.stdout.buffer.flush()
        except MemoryError:
            return OUT_OF_MEMORY
        return exit_code


if __name__ == "__main__":
    os._exit(main())  # skips PDFium's cleanup, which a broken document can crash
