"""A contract as Celery's task: it tells Celery, and so Flower, how a task ended, never what was in it."""

import logging
import math
import time

from celery import Task
from celery.exceptions import Ignore, Retry

from handoff_ledger import State, TaskError
from handoff_worker.binding import Binding
from handoff_worker.celery_bridge.pool_process import PoolProcess
from handoff_worker.celery_bridge.runs import RUN_SECONDS
from handoff_worker.execution.run_result import Ending

log = logging.getLogger(__name__)
LIMIT_MARGIN = 30  # seconds between the last item's time limit and the death of its process


class ContractTask(Task):  # type: ignore[type-arg]  # celery's Task takes no parameters when it runs
    """Carries no payload: the message's id is all it reads."""

    throws = (TaskError,)
    ignore_result = True
    Request = "handoff_worker.celery_bridge.request:ContractRequest"

    def __init__(self, binding: Binding, process: PoolProcess) -> None:
        self.name = binding.contract.name
        self.process = process
        self._binding = binding
        policy = binding.contract.policy
        turns = math.ceil(policy.pack / policy.concurrency) if binding.asynchronous else policy.pack
        self.time_limit = math.ceil(policy.time_limit * turns) + LIMIT_MARGIN
        self.interruptible = not binding.asynchronous

    def run(self) -> str:
        """Runs the message's task and those that follow it. The last one's end is the message's: gives its state."""
        executor, began = self.process.executor, time.monotonic()
        ending = executor.run(self._binding, str(self.request.id), began + RUN_SECONDS)
        while ending.next:
            now = time.monotonic()
            self.process.runs.turn(self.request.get("run"), ending.next, now - began, time.time())
            self._log(ending, now - began)
            self.request.id, began = ending.next.id, now
            ending = executor.run_claimed(self._binding, ending.next)
        self._log(ending, time.monotonic() - began)
        if ending.refused:
            raise Ignore(ending.refused)
        if ending.state in (State.SCHEDULED, State.QUEUED):
            raise Retry(exc=TaskError(ending.code), message=f"again in {ending.after:.1f} s")
        if ending.state is not State.SUCCEEDED:
            raise TaskError(ending.code)
        return ending.state

    def _log(self, ending: Ending, seconds: float) -> None:
        """One line a task. Celery's own would be one a message."""
        log.info("Task %s[%s] %s", self.name, self.request.id, ending.told(seconds))
