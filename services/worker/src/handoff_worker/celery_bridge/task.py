"""A contract as a Celery task. Celery and Flower learn how a task ended, never its payload or result."""

import logging
import math
import time

from celery import Task
from celery.exceptions import Ignore
from celery.exceptions import Retry as CeleryRetry

from handoff_ledger import State, TaskError
from handoff_worker.binding import Binding
from handoff_worker.celery_bridge.pool_process import PoolProcess
from handoff_worker.celery_bridge.runs import RUN_SECONDS
from handoff_worker.execution.run_result import RunResult

log = logging.getLogger(__name__)
LIMIT_MARGIN_SECONDS = 30  # from the last item's time limit until Celery kills the process


class ContractTask(Task):  # type: ignore[type-arg]  # celery's Task takes no parameters when it runs
    """Reads only the id of a message, because the ledger has the payload."""

    throws = (TaskError,)
    ignore_result = True
    Request = "handoff_worker.celery_bridge.request:ContractRequest"

    def __init__(self, binding: Binding, process: PoolProcess) -> None:
        self.name = binding.contract.name
        self.process = process
        self._binding = binding
        policy = binding.contract.policy
        turns = math.ceil(policy.pack / policy.concurrency) if binding.asynchronous else policy.pack
        self.time_limit = math.ceil(policy.time_limit * turns) + LIMIT_MARGIN_SECONDS
        self.interruptible = not binding.asynchronous

    def run(self) -> str:
        """Runs the message's task, then each task that the executor claims after a success. Returns the last state.

        Raises:
            Ignore: the last task was not run.
            CeleryRetry: it waits for another attempt.
            TaskError: it ended without success.
        """
        executor, began = self.process.executor, time.monotonic()
        result = executor.run(self._binding, str(self.request.id), began + RUN_SECONDS)
        while result.next_claim:
            now = time.monotonic()
            self.process.runs.turn(self.request.get("run"), result.next_claim, now - began, time.time())
            self._log(result, now - began)
            self.request.id, began = result.next_claim.id, now
            result = executor.run_claimed(self._binding, result.next_claim)
        self._log(result, time.monotonic() - began)
        if result.refused:
            raise Ignore(result.refused)
        if result.pending:
            raise CeleryRetry(exc=TaskError(result.code), message=f"again in {result.after:.1f} s")
        if result.state is not State.SUCCEEDED:
            raise TaskError(result.code)
        return result.state

    def _log(self, result: RunResult, seconds: float) -> None:
        """Logs one line for each task. Celery itself would log one for each message."""
        log.info("Task %s[%s] %s", self.name, self.request.id, result.describe(seconds))
