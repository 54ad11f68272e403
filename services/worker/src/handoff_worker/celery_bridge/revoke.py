"""Celery's `revoke` and `terminate` commands, which cancel tasks in the ledger.

Celery's own workers keep a list of revoked ids and discard the messages of those tasks. The reconciler would publish
such a message again forever. So only the ledger decides whether a task runs, and no worker keeps a list.
"""

import logging
import signal
from collections import Counter
from contextlib import closing
from typing import Any

from celery.utils.functional import maybe_list

from handoff_ledger import LedgerUnavailable, Limits, State, SyncLedger, UnknownTask, calls
from handoff_ledger.ids import is_id
from handoff_worker.celery_bridge import pool
from handoff_worker.celery_bridge.pool_process import PoolProcess
from handoff_worker.settings import Settings

log = logging.getLogger(__name__)
ACTOR = "celery"  # in the ledger's list of actions
MAX_IDS = 10_000  # in one command, during which the worker receives no messages
REQUESTED = "cancel requested"
UNKNOWN = "unknown"


class Revoker:
    """Runs the two commands. Every worker receives them: the first cancels the tasks, and the rest change nothing."""

    def __init__(self, settings: Settings, process: PoolProcess) -> None:
        self._settings = settings
        self._process = process

    def revoke(self, state: Any, task_id: Any, terminate: bool = False, **_: object) -> dict[str, object]:
        """Cancel tasks, or batches, by their ids.

        Replies with the new state of each. `terminate` also kills the pool process of this worker that runs one of the
        tasks, with SIGKILL whatever signal the command names.
        """
        ids = list(dict.fromkeys(str(id) for id in maybe_list(task_id) or []))
        if not 1 <= len(ids) <= MAX_IDS:
            return {"error": f"Name from 1 to {MAX_IDS} ids."}
        try:
            with closing(SyncLedger(self._settings.broker_url)) as ledger:
                states = {id: self._cancel(ledger, id) for id in ids}
        except LedgerUnavailable as error:
            log.error("Redis is away: the worker did not revoke some tasks.", extra={"event": "task.revoke_failed"})
            return {"error": f"Some tasks were not revoked, revoke them again: {error}"}
        if terminate:
            for id in (id for id, now in states.items() if now == REQUESTED):
                self._kill(id, state.consumer.pool)
        log.info("The worker revoked tasks.", extra={"event": "task.revoked", "states": dict(Counter(states.values()))})
        return {"ok": states}

    def terminate(self, state: Any, signal: Any, task_id: Any, **_: object) -> dict[str, object]:
        """Cancel tasks by their ids, and kill the pool processes that run them."""
        return self.revoke(state, task_id, terminate=True)

    def _cancel(self, ledger: SyncLedger, id: str) -> str:
        if not is_id(id):
            return UNKNOWN
        try:
            now = ledger.run(calls.cancel(id, Limits.of(self._settings), ACTOR))
        except UnknownTask:
            return self._cancel_batch(ledger, id)
        return REQUESTED if now is State.RUNNING else now.value

    def _cancel_batch(self, ledger: SyncLedger, id: str) -> str:
        try:
            cancelled = ledger.run(calls.cancel_batch(id, Limits.of(self._settings), ACTOR))
        except UnknownTask:
            return UNKNOWN
        rest = ", the reconciler cancels the rest" if cancelled.more else ""
        return f"batch cancelled, {cancelled.packs} tasks were open{rest}"

    def _kill(self, id: str, celery_pool: Any) -> None:
        # Celery then sends `task_revoked`. Its receiver releases the task, which ends it as cancelled.
        request = self._process.runs.running(id)
        if request and pool.has_started(request) and request.worker_pid:
            celery_pool.terminate_job(request.worker_pid, signal.SIGKILL)
