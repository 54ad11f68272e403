"""Celery's consumer, which parks what it does not know instead of discarding it."""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from celery.worker.state import maybe_shutdown

from handoff_ledger import LedgerMisconfigured, LedgerUnavailable, State, SyncLedger, calls
from handoff_ledger.ids import is_id
from handoff_ledger.redis_requirements import exit_misconfigured, log_unavailable
from handoff_worker.celery_bridge import pool
from handoff_worker.celery_bridge.app import settings
from handoff_worker.celery_bridge.message import HEADERS
from handoff_worker.celery_bridge.transport import AWAY

log = logging.getLogger(__name__)
AGAIN_SECONDS = 1.0  # seconds between two looks whether Redis serves
GATHER_SECONDS = 0.1  # seconds that a task's event waits for others
RECONNECT = {"interval_start": 1, "interval_step": 1, "interval_max": 5}  # seconds between two attempts


def without_options(info: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a worker says of its connection; Flower shows it, and the sentinels' password is among the options."""
    return {name: value for name, value in info().items() if name != "transport_options"}


class Consumer(CeleryConsumer):
    """Named by `worker_consumer` in the configuration."""

    connection_errors: tuple[type[Exception], ...]
    event_dispatcher: Any
    _gathering = False
    _stopping = False

    def ensure_connected(self, conn: Any) -> Any:
        """Waits for Redis. Celery's own attempts grow half a minute apart, so work would go on as late as that."""
        self._await_redis()
        conn.ensure_connection = partial(conn.ensure_connection, **RECONNECT)
        conn.info = partial(without_options, conn.info)
        return super().ensure_connected(conn)

    def _await_redis(self) -> None:
        """Waits until Redis serves all that a worker needs, and logs why it does not. Celery would end at a refusal."""
        said = ""
        while True:
            maybe_shutdown()
            try:
                settings.redis_requirements.check()
            except LedgerUnavailable as error:
                if self.first_connection_attempt and isinstance(error, LedgerMisconfigured):
                    exit_misconfigured(error)
                if error.reason != said:
                    log_unavailable(log, error)
                said = error.reason
                time.sleep(AGAIN_SECONDS)
            else:
                return

    def on_close(self) -> None:
        """At a shutdown and when the connection is lost. Celery forgets here each task that no pool process has said to
        have taken. One of them may be on its way: it would run without a lease, and hold up a shutdown for 30 s.
        """
        pool.hear(self.pool)
        super().on_close()
        self._publish_events()  # also of what was heard here: their timer may be cancelled with the connection's

    def stop(self) -> None:
        self._stopping = True
        super().stop()

    def on_send_event_buffered(self) -> Any:
        """Publishes the events of some tasks at once. Celery would wait for Redis after each."""
        if self._stopping:  # the loop that would publish them turns no more
            super().on_send_event_buffered()
        elif not self._gathering:
            self._gathering = True
            self.timer.call_after(GATHER_SECONDS, self._publish_events)

    def _publish_events(self) -> None:
        self._gathering = False
        if self.event_dispatcher:
            self.event_dispatcher.flush()

    def create_task_handler(self, *args: Any) -> Callable[[Any], None]:
        """What takes a message. Wrong headers would end the worker: those that no message of ours has are left out."""
        take: Callable[[Any], None] = super().create_task_handler(*args)

        def on_task_received(message: Any) -> None:
            try:
                if message.headers:
                    message.headers = {name: value for name, value in message.headers.items() if name in HEADERS}
                take(message)
            except AWAY:
                raise
            except Exception as error:
                self.on_decode_error(message, error)

        return on_task_received

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """A contract that this worker has no handler for: its task waits for a worker that has."""
        id = str(message.headers.get("id", ""))
        message.reject_log_error(log, self.connection_errors)
        if not is_id(id):
            log.error(
                "A message is none of ours.",
                extra={"event": "message.foreign", "task_name": message.headers.get("task")},
            )
            return
        ledger = SyncLedger(settings.broker_url)
        try:
            state = ledger.run(calls.park(id))
        except LedgerUnavailable:
            return  # its message is gone now, so it is published again
        finally:
            ledger.close()
        if state == State.PARKED:
            log.warning("A task was parked.", extra={"event": "task.parked", "task": id})

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """A message without a task's headers. Celery would log its body."""
        message.reject_log_error(log, self.connection_errors)
        log.error("A message is none of ours.", extra={"event": "message.foreign"})

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """A message whose headers are wrong. Celery would log its body."""
        self.on_decode_error(message, exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """A message that can't be read. Celery would log its body."""
        message.ack()
        log.error("A message can't be read.", extra={"event": "message.unreadable", "error": type(exc).__name__})
