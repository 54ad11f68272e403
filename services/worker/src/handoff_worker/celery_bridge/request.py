"""The parent's state of a message while a pool process runs the message's tasks."""

from typing import Any

from celery.exceptions import Ignore
from celery.worker import state
from celery.worker.request import Request

from handoff_ledger import State
from handoff_worker.celery_bridge.runs import Runs, Turn


class ContractRequest(Request):
    """Celery's request, first of the message's own task, then of each further task of its run.

    `begun`: the pool process has acknowledged the first task, so Flower has received its `task-started`.
    """

    begun = False
    _before = 0.0  # seconds of the run's earlier tasks

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._runs: Runs = options["task"].process.runs
        self.request_dict["run"] = self._runs.begin(self)

    def become(self, turn: Turn) -> str:
        """Changes the request to the next task. Returns the id of the task that ended."""
        ended, self.id = self.id, turn.next
        self.request_dict["id"] = self.id  # Celery's signals about a dead process take the id from here
        self._before += turn.seconds
        state.total_count[self.name] += 1
        state.all_total_count[0] += 1
        if state.requests.get(ended) is self:
            state.requests[self.id] = state.requests.pop(ended)
        return ended

    def tell(self, turn: Turn, ended: str) -> None:
        """Sends Flower the events that Celery would send if the next task had a message of its own."""
        received = {"name": self.name, "args": self.argsrepr, "kwargs": self.kwargsrepr, "retries": turn.retries}
        received |= {"root_id": turn.next, "parent_id": None, "eta": None, "expires": None}
        succeeded = {"result": repr(State.SUCCEEDED.value), "runtime": turn.seconds}
        for type, id, fields in (
            ("task-succeeded", ended, succeeded),
            ("task-received", turn.next, received),
            ("task-started", turn.next, {}),
        ):
            if self.eventer:
                self.eventer.send(type, uuid=id, timestamp=turn.at, **fields)

    def revoked(self) -> bool:
        """Returns False, because only the ledger decides whether a task runs. Celery asks before it uses the pool."""
        return False

    def send_event(self, type: str, **fields: Any) -> None:
        """Sends an event of the run's last task, after those of its earlier tasks."""
        self._runs.tell()
        if type == "task-succeeded":
            fields["runtime"] -= self._before
        super().send_event(type, **fields)

    def on_accepted(self, *args: Any) -> None:
        super().on_accepted(*args)
        self.begun = True

    def on_timeout(self, soft: bool, timeout: float) -> None:
        self.begun = True  # even if its acknowledgement is lost
        self._runs.tell()
        super().on_timeout(soft, timeout)

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> None:
        """Sends Flower the event of a task that ended before it ran. A pool process has no connection for that."""
        self.begun = True
        self._runs.tell()
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, Ignore) and error.args and error.args[0] in (State.CANCELLED, State.EXPIRED):
            expired = error.args[0] == State.EXPIRED
            self.send_event("task-revoked", terminated=False, signum=None, expired=expired)
        super().on_failure(exc_info, *args, **kwargs)
