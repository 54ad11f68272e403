"""The file by which a probe sees that a worker is ready, and that its loop turns."""

from pathlib import Path


class ReadyFile:
    """Written when the worker is ready, touched every 10 s, removed when it begins to stop.

    One that was killed leaves its file behind, which is removed when another starts.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stopping = False

    def clear(self) -> None:
        if self._path:
            self._path.unlink(missing_ok=True)

    def touch(self) -> None:
        if self._path and not self._stopping:
            self._path.touch()

    def remove(self) -> None:
        self._stopping = True
        self.clear()
