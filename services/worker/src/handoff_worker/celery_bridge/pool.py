"""What a worker's parent knows of its pool: which tasks it has, and what its processes have taken.

Celery's `state.requests` does not tell: a second message of a task that runs is refused, and then its end takes the
task's id out of it.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.worker import state

TAKEN_SECONDS = 3.0  # a pool process that can run at all says by then that it has taken a task


def held() -> list[str]:
    """The ids of the tasks that this worker has."""
    return [request.id for request in _copy(state.reserved_requests)]


def has_taken(request: Any) -> bool:
    """Whether a pool process runs what this request of Celery's is for."""
    return any(each is request for each in _copy(state.active_requests))


def _copy(requests: Iterable[Any]) -> list[Any]:
    while True:
        with suppress(RuntimeError):  # Celery's loop, in another thread, has changed it meanwhile
            return list(requests)


def hear(pool: object) -> None:
    """Reads what the processes of a prefork pool say, until each task that was written to one is taken."""
    asynchronous = getattr(pool, "_pool", None)
    if not isinstance(asynchronous, AsynPool):
        return
    deadline = time.monotonic() + TAKEN_SECONDS
    while time.monotonic() < deadline and _untaken(asynchronous):
        _read(asynchronous)


def _untaken(pool: Any) -> bool:
    jobs = [job for job in pool._cache.values() if job._write_to and not job._accepted]
    return any(job._write_to._is_alive() for job in jobs)


def _read(pool: Any) -> None:
    for fd, process in list(pool._fileno_to_outq.items()):
        with suppress(OSError):  # the process is gone
            if process.outq._reader.poll(0.01):
                handler = pool._result_handler
                handler._flush_outqueue(fd, lambda _: None, pool._fileno_to_outq, handler.on_state_change)
