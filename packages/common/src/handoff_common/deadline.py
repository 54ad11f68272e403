"""A time limit for the many short runs on an event loop, with one timer for all of them.

One asyncio timer for each of thousands of runs would cost more than the rest of asyncio's work for them.
"""

import asyncio
from types import TracebackType


class Deadline:
    """`with deadline.scope():` cancels the block after `seconds`, and turns the cancellation into a `TimeoutError`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._scopes: dict[DeadlineScope, float] = {}  # with the loop time when each expires, the earliest first
        self._timer: asyncio.TimerHandle | None = None

    def scope(self) -> "DeadlineScope":
        """Returns a context manager for one run. Its time starts when the block is entered."""
        return DeadlineScope(self)

    def start(self, scope: "DeadlineScope", loop: asyncio.AbstractEventLoop) -> None:
        """Starts a scope's time."""
        self._scopes[scope] = expires_at = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(expires_at, self._expire)

    def stop(self, scope: "DeadlineScope") -> None:
        """Forgets a scope whose block has ended."""
        self._scopes.pop(scope, None)
        if not self._scopes and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        for scope, expires_at in list(self._scopes.items()):
            if expires_at > loop.time():
                self._timer = loop.call_at(expires_at, self._expire)
                return
            del self._scopes[scope]
            scope.expire()
        self._timer = None


class DeadlineScope:
    """One block under a deadline. A cancellation from elsewhere passes through, as with `asyncio.Timeout`."""

    __slots__ = ("_cancelling", "_deadline", "_task", "expired")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self.expired = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline needs a running asyncio task")
        self._task = task
        self._cancelling = task.cancelling()
        self._deadline.start(self, loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadline.stop(self)
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancels the task that runs the block."""
        self.expired = True
        self._task.cancel()
