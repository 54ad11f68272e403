"""The client's own ledger: what it asked for and what it was told, on its disk and outside Redis."""

import os
import threading
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """What the client knows of one idempotency key.

    `status`: invoked (no answer yet), ok, failed (it was refused) or unknown (the client gave up without an answer that
    says which). `items`: of a batch, 0 for a single task. `id`: what the API called it, once it was accepted.
    """

    key: str
    status: str
    items: int
    id: str

    @property
    def tokens(self) -> list[str]:
        """The effects that were asked for."""
        return [f"{self.key}.{item}" for item in range(self.items)] if self.items else [self.key]


class ClientLog:
    """An append-only file, each entry on disk before `write` returns."""

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
        with self._sync:  # one sync serves all who wait for it
            if self._synced < mine:
                upto = self._written
                os.fsync(self._file)
                self._synced = upto

    def entries(self) -> dict[str, Entry]:
        """The last word on each key, from the file."""
        last: dict[str, Entry] = {}
        for line in self.path.read_text().splitlines():
            key, status, items, id = line.split()
            last[key] = Entry(key, status, int(items), id)
        return last

    def close(self) -> None:
        os.close(self._file)
