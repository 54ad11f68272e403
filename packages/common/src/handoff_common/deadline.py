"""The time limit of what runs side by side on an event loop: one timer serves it all, for who began first ends first.

A timer for each of thousands of short runs costs more than the rest of asyncio's part in them.
"""

import asyncio
from types import TracebackType


class TimeLimit:
    """`with limit.watch():` cancels what runs in the block for longer than `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[Watched, float] = {}  # and when each is to end, in that order
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> "Watched":
        """What one run is in."""
        return Watched(self)

    def begin(self, run: "Watched", loop: asyncio.AbstractEventLoop) -> None:
        self._running[run] = until = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(until, self._expire)

    def end(self, run: "Watched") -> None:
        self._running.pop(run, None)
        if not self._running and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        for run, until in list(self._running.items()):
            if until > loop.time():
                self._timer = loop.call_at(until, self._expire)
                return
            del self._running[run]
            run.expire()
        self._timer = None


class Watched:
    """One run. Raises `TimeoutError` where it was cancelled by its limit, and by nobody else; see `asyncio.Timeout`."""

    __slots__ = ("_cancelling", "_limit", "_task", "expired")

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self.expired = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit is for a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._limit.begin(self, loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limit.end(self)
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        self.expired = True
        self._task.cancel()
