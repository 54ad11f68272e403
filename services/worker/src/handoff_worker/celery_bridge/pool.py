"""Queries of the worker's parent about its pool: which tasks it has, and which of them a process has started.

Celery's `state.requests` can't answer: it maps one request to each id. When a second message for a running task is
refused, Celery removes the id, although the task still runs.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.worker import state

ACK_TIMEOUT_SECONDS = 3.0  # a healthy pool process acknowledges a task well before


def held() -> list[str]:
    """Returns the ids of the tasks that this worker has received and not ended."""
    return [request.id for request in _copy(state.reserved_requests)]


def has_started(request: Any) -> bool:
    """Whether a pool process runs this request of Celery."""
    return any(active is request for active in _copy(state.active_requests))


def _copy(requests: Iterable[Any]) -> list[Any]:
    while True:
        with suppress(RuntimeError):  # Celery's thread changed the set during the copy
            return list(requests)


def drain_acks(pool: object) -> None:
    """Reads from the processes of a prefork pool until they have acknowledged every task that was sent to them."""
    prefork = getattr(pool, "_pool", None)
    if not isinstance(prefork, AsynPool):
        return
    deadline = time.monotonic() + ACK_TIMEOUT_SECONDS
    while time.monotonic() < deadline and _awaits_acks(prefork):
        _read(prefork)


def _awaits_acks(pool: Any) -> bool:
    jobs = [job for job in pool._cache.values() if job._write_to and not job._accepted]
    return any(job._write_to._is_alive() for job in jobs)


def _read(pool: Any) -> None:
    for fd, process in list(pool._fileno_to_outq.items()):
        with suppress(OSError):  # the process has died
            if process.outq._reader.poll(0.01):
                handler = pool._result_handler
                handler._flush_outqueue(fd, lambda _: None, pool._fileno_to_outq, handler.on_state_change)
