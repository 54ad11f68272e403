"""What the worker's parent knows of a message while a pool process has it."""

from typing import Any

from celery.exceptions import Ignore
from celery.worker.request import Request

from handoff_ledger import State


class ContractRequest(Request):
    """Tells Flower of a task that ended before it ran; a pool process could not without a connection of its own."""

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> None:
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, Ignore) and error.args and error.args[0] in (State.CANCELLED, State.EXPIRED):
            expired = error.args[0] == State.EXPIRED
            self.send_event("task-revoked", terminated=False, signum=None, expired=expired)
        super().on_failure(exc_info, *args, **kwargs)
