"""Connects receivers to Celery's signals: the life of a worker's parent, and of its pool processes."""

import gc
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from billiard import active_children
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import current_app, signals

from handoff_common.logs import configure
from handoff_ledger import Limits, SyncLedger
from handoff_worker.binding import bindings
from handoff_worker.celery_bridge import pool
from handoff_worker.celery_bridge.pool_process import PoolProcess
from handoff_worker.execution import interrupt
from handoff_worker.execution.lease_keeper import LeaseKeeper
from handoff_worker.execution.ready_file import TOUCH_INTERVAL_SECONDS, ReadyFile
from handoff_worker.settings import Settings

log = logging.getLogger(__name__)
EXIT_TIMEOUT_SECONDS = 3.0  # how long a worker whose pool is killed may take to end
POOL_POLL_SECONDS = 0.1


def connect(settings: Settings, process: PoolProcess) -> None:
    """Connects every receiver. By default Celery keeps only weak references to receivers."""
    parent = Parent(settings, process)
    for celery_signal, receiver in (
        (signals.setup_logging, lambda **_: log_to_stderr(settings)),
        (signals.worker_init, parent.starting),
        (signals.worker_process_init, lambda **_: process.open(list(current_app.amqp.queues.consume_from))),
        (signals.worker_process_shutdown, lambda exitcode, **_: end_pool_process(process, exitcode)),
        (signals.worker_ready, parent.ready),
        (signals.worker_shutting_down, parent.shutting_down),
        (signals.worker_shutdown, parent.shutdown),
        (signals.task_failure, parent.failed),
        (signals.task_revoked, parent.revoked),
    ):
        celery_signal.connect(receiver, weak=False)


def log_to_stderr(settings: Settings) -> None:
    """Replaces Celery's log by one line for each task, at its end. Level debug adds one at its receipt."""
    configure(settings.log_level, development=settings.development)
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)
    if settings.log_level != "debug":
        logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)


def end_pool_process(process: PoolProcess, exitcode: int) -> None:
    """Closes a pool process. When the worker stops, the process exits here.

    Otherwise billiard would send an exit message that the stopping parent does not read, and sleep for a second.
    """
    process.close()
    if process.draining():
        os._exit(exitcode)


def run_later(seconds: float, function: Callable[..., object], *args: object) -> None:
    """Calls `function` after `seconds`, in a thread that does not delay the end of the process."""
    timer = threading.Timer(seconds, function, args)
    timer.daemon = True
    timer.start()


class Parent:
    """The receivers of the worker's parent, which keeps the leases of the tasks in its pool."""

    def __init__(self, settings: Settings, process: PoolProcess) -> None:
        self._settings = settings
        self._process = process
        self._ready_file = ReadyFile(settings.worker_ready_file)
        self._lease_keeper: LeaseKeeper | None = None

    def starting(self, **_: Any) -> None:
        """Checks Redis, and prepares the fork of the pool."""
        self._settings.redis_requirements.exit_if_misconfigured()
        self._ready_file.clear()
        gc.freeze()  # so that collections do not copy the memory pages that pool processes share

    def ready(self, sender: Any, **_: Any) -> None:
        """Starts the lease keeper and the timers."""
        queues = sender.app.amqp.queues.consume_from  # a live dict: `add_consumer` and `cancel_consumer` change it
        self._lease_keeper = LeaseKeeper(
            SyncLedger(self._settings.broker_url),
            Limits.of(self._settings),
            owner=self._process.owner,
            serves=[binding.contract for binding in bindings()],
            queues=queues,
            held=self._held,
            interrupt=self._interrupt,
        )
        self._lease_keeper.start()
        self._ready_file.touch()
        sender.timer.call_repeatedly(TOUCH_INTERVAL_SECONDS, self._ready_file.touch)
        # Celery replaces a dead pool process only every 5 s, because its check at the death often runs too early.
        sender.timer.call_repeatedly(POOL_POLL_SECONDS, sender.pool.maintain_pool)
        sender.timer.call_repeatedly(POOL_POLL_SECONDS, self._process.runs.tell)
        log.info("The worker is ready.", extra={"event": "worker.ready", "queues": list(queues)})

    def _held(self) -> list[str]:
        # In this order, because a task may move from the first list to the second.
        return [*self._process.runs.held(), *pool.held()]

    def _interrupt(self, id: str) -> None:
        """Interrupts a sync handler. An async handler's own process polls for its cancellation."""
        request = self._process.runs.running(id)
        if request and pool.has_started(request) and request.worker_pid and request.task.interruptible:
            interrupt.send(request.worker_pid)

    def shutting_down(self, how: str, **_: Any) -> None:
        """Lets the running tasks end, at most for the time of the soft shutdown."""
        self._ready_file.remove()
        self._process.drain()
        if how == "Warm":
            run_later(self._settings.soft_shutdown, self._kill_pool)

    def _kill_pool(self) -> None:
        # Celery's cold shutdown can block: it joins the pool in a signal handler that interrupted the same join.
        run_later(EXIT_TIMEOUT_SECONDS, os._exit, 1)
        for pid in [child.pid for child in active_children() if child.pid]:
            os.kill(pid, signal.SIGKILL)
        self.shutdown()

    def shutdown(self, **_: Any) -> None:
        """Releases the tasks that the worker still has."""
        if self._lease_keeper:
            self._lease_keeper.stop()

    def failed(self, task_id: str, exception: BaseException, **_: Any) -> None:
        """Releases the task of a pool process that died, or that Celery killed at its hard time limit."""
        if self._lease_keeper and isinstance(exception, (WorkerLostError, TimeLimitExceeded)):
            self._lease_keeper.release(task_id)

    def revoked(self, request: Any, **_: Any) -> None:
        """Releases the task of a pool process that Celery killed for a revoke."""
        if self._lease_keeper:
            self._lease_keeper.release(request.id)
