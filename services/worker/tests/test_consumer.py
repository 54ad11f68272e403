"""What becomes of events when the connection is lost."""

from types import SimpleNamespace
from typing import Any

from kombu.asynchronous.timer import Timer

from handoff_worker.celery_bridge.consumer import Consumer


class Dispatcher:
    """Keeps events until it is told to publish them, as Celery's does."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._kept: list[str] = []
        self.published: list[str] = []

    def send(self, event: str) -> None:
        self._kept.append(event)
        self._consumer.on_send_event_buffered()

    def flush(self) -> None:
        self.published += self._kept
        self._kept.clear()


def run_out(timer: Timer) -> None:
    """Does what is due, whenever that is."""
    for _, _, entry in sorted(timer.queue):
        if not entry.cancelled:
            entry()
    timer.clear()


def test_what_is_heard_while_the_connection_is_closed_holds_up_no_later_event() -> None:
    timer: Any = Timer()
    consumer: Any = Consumer.__new__(Consumer)
    consumer.timer, consumer.hub, consumer.controller = timer, SimpleNamespace(timer=timer), None
    consumer.task_buckets = {}
    consumer.event_dispatcher = dispatcher = Dispatcher(consumer)
    consumer.timer_entries_before_start = set()  # as Celery does before it connects
    consumer.timer_entries_registered = None
    consumer.pool = SimpleNamespace(_pool=None, flush=lambda: dispatcher.send("ended meanwhile"))
    consumer.on_close()
    consumer._cancel_connection_timer_entries()  # as Celery does when the connection fails at once
    assert dispatcher.published == ["ended meanwhile"]
    dispatcher.send("later")
    run_out(timer)
    assert dispatcher.published == ["ended meanwhile", "later"]
