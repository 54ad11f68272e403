"""Opens the files that payloads name: regular files of the blob folder, reached without a link, up to a size limit."""

import errno
import os
import stat
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from handoff_contracts.files import FileRef
from handoff_worker.errors import Fail, Retry

NOT_FOUND = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENAMETOOLONG}
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # O_NONBLOCK: opening a pipe must not wait


def open_file(file: FileRef, folder: Path | None, limit: int) -> BinaryIO:
    """Returns the open file, which the caller closes. `folder`: the blob folder. `limit`: the largest size in bytes.

    This call blocks: on an event loop, run it in a thread.

    Raises:
        Fail: the file does not exist, must not be opened, or is too large.
        Retry: the disk reported an error.
    """
    content = file.decoded
    if content is not None:
        _check_size(len(content), limit)
        return BytesIO(content)
    try:
        descriptor = _open_beneath(folder, file.path or "")
    except OSError as error:
        if error.errno in NOT_FOUND:
            raise Fail("no_such_file", "The blob folder has no such file.") from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise Fail("file_denied", "The worker may not read that file.") from None
        raise Retry("file_unreadable", "The worker could not read the file.") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Fail("no_such_file", "The blob folder has no such file.")
        _check_size(status.st_size, limit)
    except Fail:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_file(file: FileRef, folder: Path | None, limit: int) -> bytes:
    """Returns the file's content. Blocks, and raises the errors of `open_file`."""
    with open_file(file, folder, limit) as opened:
        try:
            content = opened.read(limit + 1)
        except OSError:
            raise Retry("file_unreadable", "The worker could not read the file.") from None
    _check_size(len(content), limit)  # the file may have grown since it was opened
    return content


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Fail("file_too_large", f"The file is larger than {limit} bytes.")


def _open_beneath(folder: Path | None, path: str) -> int:
    """Opens each part of the path relative to its parent folder, so that the kernel follows no link in any part."""
    *folders, last = names = path.split("/")
    if folder is None or {"", ".", ".."} & set(names):
        raise FileNotFoundError(errno.ENOENT, "no such file")
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in folders:
            child = os.open(name, FLAGS | os.O_DIRECTORY, dir_fd=parent)
            os.close(parent)
            parent = child
        return os.open(last, FLAGS, dir_fd=parent)
    finally:
        os.close(parent)
