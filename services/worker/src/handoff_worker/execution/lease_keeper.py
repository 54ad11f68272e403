"""The keeper: a thread in a worker's parent that renews leases, says what the worker serves, and reconciles.

It is a thread, not a timer of Celery's loop, so that leases hold while that loop waits for the broker to come back.
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
BEAT = 0.5  # seconds between two sweeps
ANNOUNCED = 10.0  # seconds that an announcement lives


class LeaseKeeper:
    """Keeps a worker's tasks. `held` gives the ids of those it has; `interrupt` stops one if it can."""

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
        self._thread = threading.Thread(target=self._run, name="handoff-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops, and gives back at once what is still held. Does nothing the second time."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._thread.join(timeout=10)
        for id in {*self._held(), *self._renewed}:
            self.release(id)
        self._ledger.close()

    def release(self, id: str) -> None:
        """Gives a task back whose process is gone. Without Redis its lease runs out instead."""
        try:
            state = self._ledger.run(calls.release(id, self._owner, self._limits))
        except LedgerUnavailable:
            return
        if state != "stale":
            log.warning("A task was given back.", extra={"event": "task.released", "task": id, "state": state})

    def _run(self) -> None:
        renewed = 0.0
        said: set[str] = set()  # why Redis is away, each reason once an outage
        while not self._stopped.wait(BEAT):
            try:
                if not renewed or time.monotonic() - renewed >= RENEW_SECONDS:
                    self._renew()
                    renewed = time.monotonic()
                self._reconcile()
                said.clear()
            except LedgerUnavailable as error:
                renewed = 0.0  # every lease is renewed as soon as Redis is back
                if error.reason not in said:
                    log_unavailable(log, error)
                said.add(error.reason)
            except Exception as error:  # a keeper that ended would let every lease run out
                log.error("The keeper failed.", extra={"event": "keeper.failed", "error": type(error).__name__})

    def _renew(self) -> None:
        self._renewed = self._held()  # Celery forgets them at a cold shutdown
        for id in self._ledger.run(calls.renew(self._owner, self._renewed)):
            self._interrupt(id)
        self._ledger.run(calls.announce(self._owner, ANNOUNCED, self._serves, self._queues))

    def _reconcile(self) -> None:
        until = time.monotonic() + BEAT
        more = True
        while more and time.monotonic() < until:
            swept = self._ledger.run(calls.sweep(self._owner, self._limits))
            more = bool(swept.pop("more", 0))
            if broken := swept.pop("broken", 0):
                log.error("Records can't be moved.", extra={"event": "reconciler.broken", "records": broken})
            if swept:
                log.info("Reconciled.", extra={"event": "reconciled", **swept})
