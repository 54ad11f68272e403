"""The client's log: what it asked for and which answers it got, in a file outside Redis."""

import os
import threading
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """The client's last status of one idempotency key.

    `status`: invoked (no answer yet), ok, failed (refused) or unknown (the client gave up without a clear answer).
    `items`: the items of a batch, 0 for a single task. `id`: the API's id after acceptance.
    """

    key: str
    status: str
    items: int
    id: str

    @property
    def tokens(self) -> list[str]:
        """The tokens of the requested effects."""
        return [f"{self.key}.{item}" for item in range(self.items)] if self.items else [self.key]


class ClientLog:
    """An append-only file. Each entry is on disk before `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.path = path
        self._lock = threading.Lock()
        self._sync = threading.Lock()
        self._written = self._synced = 0

    def write(self, key: str, status: str, items: int = 0, id: str = "-") -> None:
        with self._lock:
            os.write(self._file, f"{key} {status} {items} {id}\n".encode())
            self._written += 1
            mine = self._written
        with self._sync:  # one sync serves every waiting thread
            if self._synced < mine:
                upto = self._written
                os.fsync(self._file)
                self._synced = upto

    def entries(self) -> dict[str, Entry]:
        """Return the last entry of each key, from the file."""
        last: dict[str, Entry] = {}
        for line in self.path.read_text().splitlines():
            key, status, items, id = line.split()
            last[key] = Entry(key, status, int(items), id)
        return last

    def close(self) -> None:
        os.close(self._file)
