"""Parses a document in a process of its own, and turns its exit code into an error."""

import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from handoff_contracts.files import FileRef
from handoff_contracts.tasks.document_extract import FILE_LIMIT_BYTES, DocumentExtract
from handoff_worker.documents import exit_codes
from handoff_worker.errors import Fail, HandlerError, Retry
from handoff_worker.files import open_file

log = logging.getLogger(__name__)
MEMORY_BYTES = 512 * 1024 * 1024  # of the process
CPU_SECONDS = 120  # of the process
FRAME_LIMIT = 1024 * 1024  # bytes
IMAGES_LIMIT = 512 * 1024 * 1024  # bytes of all images, which go to the disk
TEXTS_LIMIT = 32 * 1024 * 1024  # bytes of all other frames, which stay in memory

TOO_COMPLEX = (
    "document_too_complex",
    "The document exceeds the time or memory limit. Fewer pages may help.",
)
CRASHED = ("document_crashed", "The parser crashed: the document is damaged or hostile, or needs too much memory.")
ERRORS = {
    exit_codes.ENCRYPTED: ("document_encrypted", "The document is encrypted, and the password is missing or wrong."),
    exit_codes.BROKEN: ("document_broken", "The file is not a PDF, or is damaged."),
    exit_codes.EMPTY: ("document_empty", "The document has no pages."),
    exit_codes.NO_SUCH_PAGE: ("no_such_page", "The document has fewer pages than first_page."),
    exit_codes.OUT_OF_MEMORY: TOO_COMPLEX,
    -signal.SIGXCPU: TOO_COMPLEX,
}
CRASH_SIGNALS = "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"
ERRORS |= {-signal.Signals[name]: CRASHED for name in CRASH_SIGNALS}

Frame = tuple[bytes, bytes]  # a letter and a body, see child.py


@asynccontextmanager
async def extract_frames(request: DocumentExtract, blobs: Path | None) -> AsyncIterator[AsyncIterator[Frame]]:
    """The frames of the document's process, which ends with this context.

    Raises:
        Fail: the document can't be read.
        Retry: the document can't be read at the moment.
    """
    with await asyncio.to_thread(_open, request.file, blobs) as document:
        process = await _start(document)
    try:
        async with aclosing(_read(process, request)) as frames:
            yield frames
    finally:
        await _kill(process)


def _open(file: FileRef, blobs: Path | None) -> BinaryIO:
    """The document as an open file with a descriptor."""
    opened = open_file(file, blobs, FILE_LIMIT_BYTES)
    if file.content is None:
        return opened
    descriptor, name = tempfile.mkstemp()
    Path(name).unlink()
    copy = os.fdopen(descriptor, "w+b")
    copy.write(opened.read())
    copy.seek(0)
    return copy


async def _start(document: BinaryIO) -> asyncio.subprocess.Process:
    descriptor = document.fileno()
    command = [sys.executable, "-S", "-P", "-m", "handoff_worker.documents.child", str(descriptor), str(os.getpid())]
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            pass_fds=[descriptor],
            env={
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "LANG": "C.UTF-8",
            },  # none of the worker's secrets
            start_new_session=True,
        )
    except OSError:
        raise Retry("no_process", "A process for the document could not be started.") from None


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # asyncio reports the exit only after all output was read.
    while process.stdout and await process.stdout.read(FRAME_LIMIT):
        pass
    await process.wait()


async def _read(process: asyncio.subprocess.Process, request: DocumentExtract) -> AsyncGenerator[Frame, None]:
    if not process.stdin or not process.stdout:
        raise RuntimeError("the process must be started with pipes")
    process.stdin.write(_options(request))
    process.stdin.close()
    images, texts = IMAGES_LIMIT, TEXTS_LIMIT
    with suppress(asyncio.IncompleteReadError):  # the process ended
        while True:
            head = await process.stdout.readexactly(5)
            kind, size = head[:1], int.from_bytes(head[1:], "big")
            if kind == b"I":
                images -= size
            else:
                texts -= size
            if size > FRAME_LIMIT or min(images, texts) < 0:
                raise Fail(*TOO_COMPLEX)
            yield kind, await process.stdout.readexactly(size)
    code = await process.wait()
    if code != exit_codes.DONE:
        raise _exit_error(code)


def _options(request: DocumentExtract) -> bytes:
    options: dict[str, Any] = request.model_dump(include={"password", "first_page", "pages"})
    options |= {
        "dpi": request.dpi if request.images else None,
        "limit": FILE_LIMIT_BYTES,
        "memory_bytes": MEMORY_BYTES,
        "cpu_seconds": CPU_SECONDS,
    }
    return json.dumps(options).encode()


def _exit_error(code: int) -> HandlerError:
    if code in ERRORS:
        error, message = ERRORS[code]
        log.info("A document could not be read.", extra={"event": "document.refused", "code": error, "exit": code})
        return Fail(error, message)
    # The system killed the process because the machine is short of memory, or there is a bug.
    log.error("The process of a document failed.", extra={"event": "document.process_failed", "exit": code})
    return Retry("document_process_failed", "The process that read the document failed.")
