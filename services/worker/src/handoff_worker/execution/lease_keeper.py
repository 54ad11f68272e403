"""The lease keeper: a thread of the worker's parent that renews leases, announces the worker, and reconciles.

A thread keeps the leases while Celery's event loop is blocked, for example while it reconnects to the broker.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection

from handoff_contracts.catalogue import AnyContract
from handoff_ledger import LedgerUnavailable, Limits, SyncLedger, calls
from handoff_ledger.calls.reconcile import RENEW_SECONDS
from handoff_ledger.redis_requirements import log_unavailable

log = logging.getLogger(__name__)
RECONCILE_INTERVAL_SECONDS = 0.5
ANNOUNCEMENT_TTL_SECONDS = 10.0
JOIN_TIMEOUT_SECONDS = 10.0


class LeaseKeeper:
    """Keeps the leases of a worker's tasks.

    `owner`: the worker's name in its leases. `held`: returns the ids of the tasks that the worker has. `interrupt`:
    stops the handler of a cancelled task if it can.
    """

    def __init__(
        self,
        ledger: SyncLedger,
        limits: Limits,
        *,
        owner: str,
        serves: Collection[AnyContract],
        queues: Collection[str],
        held: Callable[[], list[str]],
        interrupt: Callable[[str], None],
    ) -> None:
        self._ledger = ledger
        self._limits = limits
        self._owner = owner
        self._serves = serves
        self._queues = queues
        self._held = held
        self._interrupt = interrupt
        self._renewed: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="handoff-lease-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops the thread, and releases the tasks that the worker still has. A second call does nothing."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._thread.join(JOIN_TIMEOUT_SECONDS)
        for id in {*self._held(), *self._renewed}:
            self.release(id)
        self._ledger.close()

    def release(self, id: str) -> None:
        """Ends the lease of a task whose process has died. When Redis is away, the lease expires instead."""
        try:
            state = self._ledger.run(calls.release(id, self._owner, self._limits))
        except LedgerUnavailable:
            return
        if state != "stale":
            log.warning("The worker released a task.", extra={"event": "task.released", "task": id, "state": state})

    def _run(self) -> None:
        renewed_at = 0.0  # 0: renew at once
        reported: set[str] = set()  # so that each reason of an outage is logged once
        while not self._stopped.wait(RECONCILE_INTERVAL_SECONDS):
            try:
                if not renewed_at or time.monotonic() - renewed_at >= RENEW_SECONDS:
                    self._renew()
                    renewed_at = time.monotonic()
                self._reconcile()
                reported.clear()
            except LedgerUnavailable as error:
                renewed_at = 0.0
                if error.reason not in reported:
                    log_unavailable(log, error)
                reported.add(error.reason)
            except Exception as error:  # without this thread every lease would expire
                log.error("The lease keeper failed.", extra={"event": "keeper.failed", "error": type(error).__name__})

    def _renew(self) -> None:
        self._renewed = self._held()  # kept for `stop`, because Celery forgets its requests at a cold shutdown
        for id in self._ledger.run(calls.renew(self._owner, self._renewed)):
            self._interrupt(id)
        self._ledger.run(calls.announce(self._owner, ANNOUNCEMENT_TTL_SECONDS, self._serves, self._queues))

    def _reconcile(self) -> None:
        until = time.monotonic() + RECONCILE_INTERVAL_SECONDS
        more = True
        while more and time.monotonic() < until:
            swept = self._ledger.run(calls.sweep(self._owner, self._limits))
            more = bool(swept.pop("more", 0))
            if broken := swept.pop("broken", 0):
                log.error(
                    "The reconciler can't repair some records.",
                    extra={"event": "reconciler.broken", "records": broken},
                )
            if swept:
                log.info("The reconciler repaired records.", extra={"event": "reconciled", **swept})
