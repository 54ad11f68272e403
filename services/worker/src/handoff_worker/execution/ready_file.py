"""The file that shows the probes that a worker is ready, and that its event loop runs."""

from pathlib import Path

TOUCH_INTERVAL_SECONDS = 10


class ReadyFile:
    """Created when the worker is ready, touched every 10 s, and removed when the worker begins to stop.

    A killed worker leaves its file behind; the next worker removes it at its start. Without a path nothing happens.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stopping = False

    def clear(self) -> None:
        """Removes the file of an earlier worker."""
        if self._path:
            self._path.unlink(missing_ok=True)

    def touch(self) -> None:
        """Creates the file, or renews its time. Does nothing once `remove` was called."""
        if self._path and not self._stopping:
            self._path.touch()

    def remove(self) -> None:
        """Removes the file for good."""
        self._stopping = True
        self.clear()
