"""Has a document parsed by a process of its own, and judges how that ended."""

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
from handoff_contracts.tasks.document_extract import FILE_LIMIT, DocumentExtract
from handoff_worker.documents import ends
from handoff_worker.errors import Fail, HandlerError, Retry
from handoff_worker.files import open_file

log = logging.getLogger(__name__)
MEMORY = 512 * 1024 * 1024  # bytes of the process that reads a document
COMPUTING = 120  # seconds of its computing
FRAME_LIMIT = 1024 * 1024  # bytes
IMAGES_LIMIT = 512 * 1024 * 1024  # bytes of all images: they go to the disk
TEXTS_LIMIT = 32 * 1024 * 1024  # bytes of all else: it is in memory

TOO_COMPLEX = ("document_too_complex", "Reading it takes more time or memory than there is; fewer pages may help.")
CRASHED = ("document_crashed", "Its parser crashed: it is damaged or hostile, or takes too much memory.")
FAULTS = {
    ends.ENCRYPTED: ("document_encrypted", "It is encrypted, and the password is missing or wrong."),
    ends.BROKEN: ("document_broken", "It is no PDF, or one that is damaged."),
    ends.EMPTY: ("document_empty", "It has no pages."),
    ends.NO_SUCH_PAGE: ("no_such_page", "It has fewer pages than first_page."),
    ends.OUT_OF_MEMORY: TOO_COMPLEX,
    -signal.SIGXCPU: TOO_COMPLEX,
}
CRASHES = "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"
FAULTS |= {-signal.Signals[name]: CRASHED for name in CRASHES}

Frame = tuple[bytes, bytes]


@asynccontextmanager
async def frames(ask: DocumentExtract, blobs: Path | None) -> AsyncIterator[AsyncIterator[Frame]]:
    """What the document's process tells, frame by frame; it does not outlive this.

    Raises:
        Fail: the document can't be read.
        Retry: it could not be read now.
    """
    with await asyncio.to_thread(_opened, ask.file, blobs) as document:
        process = await _start(document)
    try:
        async with aclosing(_read(process, ask)) as told:
            yield told
    finally:
        await _kill(process)


def _opened(file: FileRef, blobs: Path | None) -> BinaryIO:
    """The document, as a file of the system's."""
    opened = open_file(file, blobs, FILE_LIMIT)
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
            },  # nothing of what the worker knows
            start_new_session=True,
        )
    except OSError:
        raise Retry("no_process", "A process for the document could not be started.") from None


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # Its end is not seen while there is something to read.
    while process.stdout and await process.stdout.read(FRAME_LIMIT):
        pass
    await process.wait()


async def _read(process: asyncio.subprocess.Process, ask: DocumentExtract) -> AsyncGenerator[Frame, None]:
    if not process.stdin or not process.stdout:
        raise RuntimeError("it was started with pipes")
    process.stdin.write(_orders(ask))
    process.stdin.close()
    images, texts = IMAGES_LIMIT, TEXTS_LIMIT
    with suppress(asyncio.IncompleteReadError):  # its end
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
    if code != ends.DONE:
        raise _verdict(code)


def _orders(ask: DocumentExtract) -> bytes:
    orders: dict[str, Any] = ask.model_dump(include={"password", "first_page", "pages"})
    orders |= {"dpi": ask.dpi if ask.images else None, "limit": FILE_LIMIT, "memory": MEMORY, "computing": COMPUTING}
    return json.dumps(orders).encode()


def _verdict(code: int) -> HandlerError:
    if code in FAULTS:
        fault, message = FAULTS[code]
        log.info("A document could not be read.", extra={"event": "document.refused", "code": fault, "exit": code})
        return Fail(fault, message)
    # Killed by the system because the machine is short of memory, or a fault of ours.
    log.error("A document's process failed.", extra={"event": "document.process_failed", "exit": code})
    return Retry("document_process_failed", "The process that read the document failed.")
