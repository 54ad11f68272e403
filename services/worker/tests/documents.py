"""Runs the handler of `document.extract` for tests."""

import base64
import resource
from pathlib import Path
from typing import Any

import psutil

from handoff_contracts.files import FileRef
from handoff_contracts.tasks.document_extract import DocumentExtract, Extracted
from handoff_worker.errors import HandlerError
from handoff_worker.handlers.document_extract import document_extract
from handoff_worker.task_id import bound_task_id
from services.worker.tests.support import resources

TASK = "0123456789abcdef"


async def extract(content: bytes, blobs: Path | None, **ask: Any) -> Extracted:
    """The handler's result for a document."""
    if blobs is None:
        file = FileRef(content=base64.b64encode(content).decode())
    else:
        (blobs / "it.pdf").write_bytes(content)
        file = FileRef(path="it.pdf")
    made: Any = document_extract
    with bound_task_id(TASK):
        result: Extracted = await made(DocumentExtract(file=file, **ask), resources(blob_dir=blobs))
    return result


async def end(content: bytes, blobs: Path | None, **ask: Any) -> str:
    """`read`, or the code of the error."""
    try:
        await extract(content, blobs, **ask)
    except HandlerError as error:
        return error.failure.code
    return "read"


def children() -> set[int]:
    """The pids of all running child processes."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def peak() -> int:
    """The peak memory, in bytes, of the largest child process that has ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def files(folder: Path) -> list[str]:
    """The paths of all files in a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
