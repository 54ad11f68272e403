"""Writes what was read into the blob folder, in a folder of its own that nobody else writes to."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from handoff_contracts.files import FileRef
from handoff_worker.errors import Fail, Retry

HOME = "documents"
INTO = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Store:
    """The files of one attempt: `documents/<task>-<random>/<name>` in the blob folder, made with the first of them.

    Another attempt has another folder, so a late one changes nothing of what another has recorded. All of it blocks.

    Raises:
        Fail: there is no blob folder.
        Retry: the disk is full, or does not take it.
    """

    def __init__(self, blobs: Path | None, task: str) -> None:
        self._blobs = blobs
        self._name = f"{task}-{secrets.token_hex(4)}"
        self._home = self._folder = -1
        self._file: BinaryIO | None = None
        self._written: list[str] = []
        self._lock = Lock()  # a thread may still be writing when its task is cancelled
        self._closed = False

    def write(self, name: str, piece: bytes) -> None:
        """Adds to the file that is open, or begins one."""
        with self._tells():
            if self._file is None:
                self._file = self._new(name)
            self._file.write(piece)

    def end(self, media_type: str) -> FileRef | None:
        """Ends the file that is open: it is on the disk. Gives nothing if none is."""
        with self._tells():
            if self._file is None:
                return None
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
            return FileRef(path=f"{HOME}/{self._name}/{self._written[-1]}", media_type=media_type)

    def close(self, *, keep: bool) -> None:
        """Removes what was written, unless it is to be kept."""
        with self._lock:
            self._closed = True
            self._close(keep)

    @contextmanager
    def _tells(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise ValueError("the store is closed")
            try:
                yield
            except OSError:
                raise Retry("blob_folder_unwritable", "The blob folder does not take a file now.") from None

    def _close(self, keep: bool) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        if self._folder != -1 and not keep:
            with suppress(OSError):
                for name in self._written:
                    os.unlink(name, dir_fd=self._folder)
                os.rmdir(self._name, dir_fd=self._home)
        for descriptor in {self._folder, self._home} - {-1}:
            os.close(descriptor)

    def _new(self, name: str) -> BinaryIO:
        if self._blobs is None:
            raise Fail("no_blob_folder", "Its images or its long text need a blob folder, and this worker has none.")
        if self._folder == -1:
            blobs = os.open(self._blobs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._home = _within(blobs, HOME)
            finally:
                os.close(blobs)
            self._folder = _within(self._home, self._name)
        descriptor = os.open(name, NEW, 0o640, dir_fd=self._folder)
        self._written.append(name)
        return os.fdopen(descriptor, "wb")


def _within(folder: int, name: str) -> int:
    with suppress(FileExistsError):
        os.mkdir(name, 0o750, dir_fd=folder)
    return os.open(name, INTO, dir_fd=folder)
