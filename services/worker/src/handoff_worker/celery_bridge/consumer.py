"""Celery's consumer, changed to wait for Redis and to park unknown tasks instead of discarding them."""

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
from handoff_worker.celery_bridge.transport import CONNECTION_ERRORS, log_unreadable

log = logging.getLogger(__name__)
REDIS_POLL_SECONDS = 1.0
EVENT_LINGER_SECONDS = 0.1  # how long an event waits for others, so that one message publishes them
RECONNECT_INTERVALS = {"interval_start": 1, "interval_step": 1, "interval_max": 5}  # seconds


def without_options(info: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Returns a connection's description for Flower, without the options: they contain the sentinels' password."""
    return {name: value for name, value in info().items() if name != "transport_options"}


class Consumer(CeleryConsumer):
    """The consumer that the setting `worker_consumer` names."""

    connection_errors: tuple[type[Exception], ...]
    event_dispatcher: Any
    _publish_scheduled = False
    _stopping = False

    def ensure_connected(self, conn: Any) -> Any:
        """Waits for Redis, then connects. Celery's own interval grows to half a minute, which delays the work."""
        self._await_redis()
        conn.ensure_connection = partial(conn.ensure_connection, **RECONNECT_INTERVALS)
        conn.info = partial(without_options, conn.info)
        return super().ensure_connected(conn)

    def _await_redis(self) -> None:
        """Waits until Redis serves everything that a worker needs, and logs why it does not.

        Celery itself would end the worker at an error reply.

        Raises:
            SystemExit: Redis is misconfigured at the worker's start.
        """
        logged = ""
        while True:
            maybe_shutdown()
            try:
                settings.redis_requirements.check()
            except LedgerUnavailable as error:
                if self.first_connection_attempt and isinstance(error, LedgerMisconfigured):
                    exit_misconfigured(error)
                if error.reason != logged:
                    log_unavailable(log, error)
                logged = error.reason
                time.sleep(REDIS_POLL_SECONDS)
            else:
                return

    def on_close(self) -> None:
        """Reads the pool's acknowledgements before Celery closes the connection, and publishes the events after it.

        Celery forgets every task here that no pool process has acknowledged. Such a task may have started already: it
        would run without a lease, and delay a shutdown by 30 s.
        """
        pool.drain_acks(self.pool)
        super().on_close()
        self._publish_events()  # the connection's end may cancel their timer

    def stop(self) -> None:
        self._stopping = True
        super().stop()

    def on_send_event_buffered(self) -> Any:
        """Publishes the events of several tasks in one message. Celery would wait for Redis after each event."""
        if self._stopping:  # the event loop, and with it the timer, has ended
            super().on_send_event_buffered()
        elif not self._publish_scheduled:
            self._publish_scheduled = True
            self.timer.call_after(EVENT_LINGER_SECONDS, self._publish_events)

    def _publish_events(self) -> None:
        self._publish_scheduled = False
        if self.event_dispatcher:
            self.event_dispatcher.flush()

    def create_task_handler(self, *args: Any) -> Callable[[Any], None]:
        """Returns Celery's handler of messages, protected: foreign headers and errors would end the worker."""
        handle: Callable[[Any], None] = super().create_task_handler(*args)

        def on_task_received(message: Any) -> None:
            try:
                if message.headers:
                    message.headers = {name: value for name, value in message.headers.items() if name in HEADERS}
                handle(message)
            except CONNECTION_ERRORS:
                raise
            except Exception as error:
                self.on_decode_error(message, error)

        return on_task_received

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Parks a task whose contract has no handler here, until a worker with such a handler runs."""
        id = str(message.headers.get("id", ""))
        message.reject_log_error(log, self.connection_errors)
        if not is_id(id):
            log.error(
                "The worker dropped a message that is not Handoff's.",
                extra={"event": "message.foreign", "task_name": message.headers.get("task")},
            )
            return
        ledger = SyncLedger(settings.broker_url)
        try:
            state = ledger.run(calls.park(id))
        except LedgerUnavailable:
            return  # the reconciler publishes the task again
        finally:
            ledger.close()
        if state == State.PARKED:
            log.warning("The worker parked a task.", extra={"event": "task.parked", "task": id})

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """Drops a message without the headers of a task. Celery would log its body."""
        message.reject_log_error(log, self.connection_errors)
        log.error("The worker dropped a message that is not Handoff's.", extra={"event": "message.foreign"})

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Drops a message with invalid headers. Celery would log its body."""
        self.on_decode_error(message, exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Drops an unreadable message. Celery would log its body."""
        message.ack()
        log_unreadable(exc)
