"""Opens the files that payloads name: nothing outside of the blob folder, no link, no device, no more than a bound."""

import errno
import os
import stat
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from handoff_contracts.files import FileRef
from handoff_worker.errors import Fail, Retry

NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENAMETOOLONG}
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe is opened without waiting, and refused


def open_file(file: FileRef, folder: Path | None, limit: int) -> BinaryIO:
    """The file, to be read and closed by the caller; `folder`: the blob folder; `limit`: most bytes.

    It blocks: on an event loop, call it in a thread.

    Raises:
        Fail: there is no such file, it is none that may be opened, or it is too large.
        Retry: the disk did not give it.
    """
    content = file.decoded
    if content is not None:
        _bounded(len(content), limit)
        return BytesIO(content)
    try:
        descriptor = _descend(folder, file.path or "")
    except OSError as error:
        if error.errno in NOT_THERE:
            raise Fail("no_such_file", "The blob folder has no such file.") from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise Fail("file_denied", "The worker may not read that file.") from None
        raise Retry("file_unreadable", "The file could not be read now.") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Fail("no_such_file", "The blob folder has no such file.")
        _bounded(found.st_size, limit)
    except Fail:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_file(file: FileRef, folder: Path | None, limit: int) -> bytes:
    """The file's bytes. Blocks and raises as `open_file` does."""
    with open_file(file, folder, limit) as opened:
        try:
            content = opened.read(limit + 1)
        except OSError:
            raise Retry("file_unreadable", "The file could not be read now.") from None
    _bounded(len(content), limit)  # it may have grown since it was opened
    return content


def _bounded(size: int, limit: int) -> None:
    if size > limit:
        raise Fail("file_too_large", f"A file may have {limit} bytes at most here.")


def _descend(folder: Path | None, path: str) -> int:
    """Opens the path step by step, each from the folder before it, so that no link is followed at any."""
    *folders, last = names = path.split("/")
    if folder is None or {"", ".", ".."} & set(names):
        raise FileNotFoundError(errno.ENOENT, "no such file")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in folders:
            within = os.open(name, FLAGS | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = within
        return os.open(last, FLAGS, dir_fd=at)
    finally:
        os.close(at)
