"""The state that a worker's parent and its pool processes keep for their whole life."""

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

GC_THRESHOLD = 50_000  # allocations minus deallocations before the garbage collector runs


class PoolProcess:
    """Created in the parent before it forks its pool, and opened in each pool process."""

    def __init__(self, settings: Settings) -> None:
        self.owner = uuid.uuid4().hex  # names the worker in its leases
        self._parent = os.getpid()
        self._settings = settings
        self._draining = multiprocessing.RawValue(ctypes.c_bool, False)  # shared with the forked processes
        self.runs = Runs()
        self._executor: Executor | None = None

    def drain(self) -> None:
        """Tells every pool process to start no further item of a pack."""
        self._draining.value = True

    def draining(self) -> bool:
        """Whether the worker stops."""
        return bool(self._draining.value)

    def open(self, queues: Sequence[str] = ()) -> None:
        """Opens this process's connections, event loop and resources. `queues`: those that the worker consumes.

        Ends the process when its parent is dead.
        """
        # Celery asks the kernel for a signal at the parent's death, but none comes when the parent died before that.
        if self._parent not in (os.getpid(), os.getppid()):
            os._exit(1)
        interrupt.prepare()
        gc.set_threshold(GC_THRESHOLD)
        settings = self._settings
        ledger = SyncLedger(settings.broker_url)
        resources = Resources.open(settings, ledger)
        self._executor = Executor(ledger, Limits.of(settings), resources, self.owner, self.draining, queues)

    def close(self) -> None:
        """Closes them, if they are open."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None

    @property
    def executor(self) -> Executor:
        """The executor of this pool process.

        Raises:
            RuntimeError: `open` was not called in this process.
        """
        if self._executor is None:
            raise RuntimeError("a pool process must be opened before it runs tasks")
        return self._executor
