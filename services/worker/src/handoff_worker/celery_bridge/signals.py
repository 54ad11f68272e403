"""Celery's signals, and what the worker does at each: the life of the parent and of a pool process."""

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
from handoff_worker.execution.ready_file import ReadyFile
from handoff_worker.settings import Settings

log = logging.getLogger(__name__)
GIVE_UP = 3.0  # seconds that a worker without a pool has to end in
LOOK = 0.1  # seconds between two looks for what pool processes told, and for those that died


def connect(settings: Settings, process: PoolProcess) -> None:
    """Connects everything. Celery holds receivers weakly, unless told otherwise."""
    parent = Parent(settings, process)
    for moment, receiver in (
        (signals.setup_logging, lambda **_: log_to_stderr(settings)),
        (signals.worker_init, parent.starting),
        (signals.worker_process_init, lambda **_: process.open(list(current_app.amqp.queues.consume_from))),
        (signals.worker_process_shutdown, lambda exitcode, **_: end(process, exitcode)),
        (signals.worker_ready, parent.ready),
        (signals.worker_shutting_down, parent.shutting_down),
        (signals.worker_shutdown, parent.shutdown),
        (signals.task_failure, parent.failed),
        (signals.task_revoked, parent.revoked),
    ):
        moment.connect(receiver, weak=False)


def log_to_stderr(settings: Settings) -> None:
    """One line a task, when it ends, in place of Celery's. That it was received is told with those of level debug."""
    configure(settings.log_level, development=settings.development)
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)
    if settings.log_level != "debug":
        logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)


def end(process: PoolProcess, exitcode: int) -> None:
    """The last that a pool process does. When its worker stops, nobody reads the farewell that billiard sends now, and
    then sleeps a second for.
    """
    process.close()
    if process.draining():
        os._exit(exitcode)


def later(seconds: float, do: Callable[..., object], *args: object) -> None:
    """Does something after some seconds, unless the process has ended by then."""
    timer = threading.Timer(seconds, do, args)
    timer.daemon = True
    timer.start()


class Parent:
    """The parent's side: it keeps the leases of what its pool runs."""

    def __init__(self, settings: Settings, process: PoolProcess) -> None:
        self._settings = settings
        self._process = process
        self._ready_file = ReadyFile(settings.worker_ready_file)
        self._keeper: LeaseKeeper | None = None

    def starting(self, **_: Any) -> None:
        self._settings.redis_requirements.exit_if_misconfigured()
        self._ready_file.clear()
        gc.freeze()  # what was imported is left alone by the collector, so pool processes share its pages

    def ready(self, sender: Any, **_: Any) -> None:
        queues = sender.app.amqp.queues.consume_from  # `add_consumer` and `cancel_consumer` change it
        self._keeper = LeaseKeeper(
            SyncLedger(self._settings.broker_url),
            Limits.of(self._settings),
            owner=self._process.owner,
            serves=[binding.contract for binding in bindings()],
            queues=queues,
            held=self._held,
            interrupt=self._interrupt,
        )
        self._keeper.start()
        self._ready_file.touch()
        sender.timer.call_repeatedly(10, self._ready_file.touch)
        # Celery looks once when a pool process dies, often before it can be reaped, and then every 5 s.
        sender.timer.call_repeatedly(LOOK, sender.pool.maintain_pool)
        sender.timer.call_repeatedly(LOOK, self._process.runs.tell)
        log.info("Ready.", extra={"event": "worker.ready", "queues": list(queues)})

    def _held(self) -> list[str]:
        return [*self._process.runs.held(), *pool.held()]  # in this order: the first may become one of the second

    def _interrupt(self, id: str) -> None:
        """An async handler looks for itself whether it is to stop; a sync one is interrupted."""
        request = self._process.runs.running(id)
        if request and pool.has_taken(request) and request.worker_pid and request.task.interruptible:
            interrupt.send(request.worker_pid)

    def shutting_down(self, how: str, **_: Any) -> None:
        """A warm shutdown ends when what runs has ended, or at the latest after the soft shutdown."""
        self._ready_file.remove()
        self._process.drain()
        if how == "Warm":
            later(self._settings.soft_shutdown, self._cut)

    def _cut(self) -> None:
        # Not Celery's cold shutdown: it joins the pool in a signal handler, within the join that it interrupts.
        later(GIVE_UP, os._exit, 1)
        for pid in [child.pid for child in active_children() if child.pid]:
            os.kill(pid, signal.SIGKILL)
        self.shutdown()

    def shutdown(self, **_: Any) -> None:
        if self._keeper:
            self._keeper.stop()

    def failed(self, task_id: str, exception: BaseException, **_: Any) -> None:
        """A pool process died or was killed at its hard limit: its task need not wait for its lease to end."""
        if self._keeper and isinstance(exception, (WorkerLostError, TimeLimitExceeded)):
            self._keeper.release(task_id)

    def revoked(self, request: Any, **_: Any) -> None:
        """A pool process was killed because its task was revoked: the task need not wait for its lease to end."""
        if self._keeper:
            self._keeper.release(request.id)
