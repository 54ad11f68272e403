"""The consumer publishes its events when the connection is lost."""

from types import SimpleNamespace
from typing import Any

from kombu.asynchronous.timer import Timer

from handoff_worker.celery_bridge.consumer import Consumer


class Dispatcher:
    """Buffers events until `flush`, as Celery's dispatcher does."""

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


def run_all(timer: Timer) -> None:
    """Runs every entry at once, whenever it is due."""
    for _, _, entry in sorted(timer.queue):
        if not entry.cancelled:
            entry()
    timer.clear()


def test_an_event_during_a_closing_connection_delays_no_later_event() -> None:
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
    run_all(timer)
    assert dispatcher.published == ["ended meanwhile", "later"]
