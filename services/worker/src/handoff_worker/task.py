"""A contract as Celery's task: it tells Celery, and so Flower, how a task ended, never what was in it."""

import math

from celery import Task
from celery.exceptions import Ignore, Retry

from handoff_ledger import State, TaskError
from handoff_worker.binding import Binding
from handoff_worker.process import PoolProcess

LIMIT_MARGIN = 30  # seconds between the last item's time limit and the death of its process


class ContractTask(Task):  # type: ignore[type-arg]  # celery's Task takes no parameters when it runs
    """Carries no payload: the message's id is all it reads."""

    throws = (TaskError,)
    ignore_result = True
    Request = "handoff_worker.request:ContractRequest"

    def __init__(self, binding: Binding, process: PoolProcess) -> None:
        self.name = binding.contract.name
        self._binding = binding
        self._process = process
        policy = binding.contract.policy
        turns = math.ceil(policy.pack / policy.concurrency) if binding.asynchronous else policy.pack
        self.time_limit = math.ceil(policy.time_limit * turns) + LIMIT_MARGIN
        self.interruptible = not binding.asynchronous

    def run(self) -> str:
        """Gives the task's state."""
        ending = self._process.executor.run(self._binding, str(self.request.id))
        if ending.refused:
            raise Ignore(ending.refused)
        if ending.state in (State.SCHEDULED, State.QUEUED):
            raise Retry(exc=TaskError(ending.code), message=f"again in {ending.after:.1f} s")
        if ending.state is not State.SUCCEEDED:
            raise TaskError(ending.code)
        return ending.state
