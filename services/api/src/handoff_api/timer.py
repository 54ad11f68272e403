"""The one timer of a connection."""

import asyncio
from collections.abc import Callable


class Timer:
    """Calls `expired` once when the time is up. A later start replaces the earlier start.

    A start usually only stores the new deadline. The loop's timer stays armed, and re-arms itself when it fires early.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._handle: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._fires = 0.0

    @property
    def running(self) -> bool:
        return self._handle is not None

    def start(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds
        if self._handle is None:
            self._arm(seconds)
        elif self._fires > self._deadline:
            self._handle.cancel()
            self._arm(seconds)

    def end(self) -> None:
        """Stop for good, and release the objects that `expired` refers to."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._expired = _do_nothing

    def _arm(self, seconds: float) -> None:
        self._fires = self._loop.time() + seconds
        self._handle = self._loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._handle = None
        left = self._deadline - self._loop.time()
        if left > 0:
            self._arm(left)
        else:
            self._expired()


def _do_nothing() -> None:
    pass
