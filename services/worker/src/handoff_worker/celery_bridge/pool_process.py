"""What is kept for the life of a process: by the worker's parent its name, by each pool process its executor."""

import ctypes
import gc
import multiprocessing
import os
import uuid
from collections.abc import Sequence

from handoff_ledger import Limits, SyncLedger
from handoff_worker.celery_bridge.runs import Runs
from handoff_worker.execution import interrupt
from handoff_worker.execution.executor import Executor
from handoff_worker.resources import Resources
from handoff_worker.settings import Settings

GARBAGE = 50_000  # objects more than there were, before the collector looks for cycles among the youngest


class PoolProcess:
    """Made in the parent, before its pool is forked; opened in each pool process."""

    def __init__(self, settings: Settings) -> None:
        self.owner = uuid.uuid4().hex  # names the worker in its leases
        self._parent = os.getpid()
        self._settings = settings
        self._draining = multiprocessing.RawValue(
            ctypes.c_bool, False
        )  # shared with every process forked from this one
        self.runs = Runs()
        self._executor: Executor | None = None

    def drain(self) -> None:
        """Lets no pack begin another item, in whichever process it runs."""
        self._draining.value = True

    def draining(self) -> bool:
        return bool(self._draining.value)

    def open(self, queues: Sequence[str] = ()) -> None:
        """Makes this process's connections, event loop and resources. `queues`: the worker's, in their order."""
        # Celery has asked the kernel to end this process with its parent, which tells nobody of a parent that was gone.
        if self._parent not in (os.getpid(), os.getppid()):
            os._exit(1)
        interrupt.prepare()
        gc.set_threshold(GARBAGE)
        settings = self._settings
        ledger = SyncLedger(settings.broker_url)
        resources = Resources.open(settings, ledger)
        self._executor = Executor(ledger, Limits.of(settings), resources, self.owner, self.draining, queues)

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()
            self._executor = None

    @property
    def executor(self) -> Executor:
        if self._executor is None:
            raise RuntimeError("a pool process is opened before it runs tasks")
        return self._executor
