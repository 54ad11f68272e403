"""Writes the files of a result to the blob folder, in a folder of their own."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from handoff_contracts.files import FileRef
from handoff_worker.errors import Fail, Retry

PARENT = "documents"
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ResultFolder:
    """The files of one attempt: `documents/<task>-<random>/<name>` in the blob folder.

    The first file creates the folder. Each attempt has its own, so a late attempt can't change a recorded result.
    All methods block.

    Raises:
        Fail: there is no blob folder.
        Retry: a file can't be written at the moment: the disk is full, for example.
    """

    def __init__(self, blobs: Path | None, task: str) -> None:
        self._blobs = blobs
        self._name = f"{task}-{secrets.token_hex(4)}"
        self._parent = self._folder = -1
        self._file: BinaryIO | None = None
        self._written: list[str] = []
        self._lock = Lock()  # a thread may still be writing when its task is cancelled
        self._closed = False

    def write(self, name: str, piece: bytes) -> None:
        """Appends to the open file, or creates it under `name` first."""
        with self._report_errors():
            if self._file is None:
                self._file = self._create(name)
            self._file.write(piece)

    def finish_file(self, media_type: str) -> FileRef | None:
        """Syncs the open file to disk, closes it and returns its reference. None if no file is open."""
        with self._report_errors():
            if self._file is None:
                return None
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
            return FileRef(path=f"{PARENT}/{self._name}/{self._written[-1]}", media_type=media_type)

    def close(self, *, keep: bool) -> None:
        """Closes the folder, and removes its files unless `keep`."""
        with self._lock:
            self._closed = True
            self._close(keep)

    @contextmanager
    def _report_errors(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise ValueError("the folder is closed")
            try:
                yield
            except OSError:
                raise Retry("blob_folder_unwritable", "The blob folder can't be written at the moment.") from None

    def _close(self, keep: bool) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        if self._folder != -1 and not keep:
            with suppress(OSError):
                for name in self._written:
                    os.unlink(name, dir_fd=self._folder)
                os.rmdir(self._name, dir_fd=self._parent)
        for descriptor in {self._folder, self._parent} - {-1}:
            os.close(descriptor)

    def _create(self, name: str) -> BinaryIO:
        if self._blobs is None:
            raise Fail("no_blob_folder", "Images and long texts need a blob folder, and this worker has none.")
        if self._folder == -1:
            blobs = os.open(self._blobs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._parent = _open_folder(blobs, PARENT)
            finally:
                os.close(blobs)
            self._folder = _open_folder(self._parent, self._name)
        descriptor = os.open(name, CREATE_FILE, 0o640, dir_fd=self._folder)
        self._written.append(name)
        return os.fdopen(descriptor, "wb")


def _open_folder(folder: int, name: str) -> int:
    with suppress(FileExistsError):
        os.mkdir(name, 0o750, dir_fd=folder)
    return os.open(name, OPEN_FOLDER, dir_fd=folder)
