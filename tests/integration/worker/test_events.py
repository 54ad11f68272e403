"""The events of tasks reach Flower completely, in few messages."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_contracts import CATALOGUE
from handoff_ledger import State
from process import wait_until
from tests.integration.worker.floor import LIFE, SOFT_SECONDS, EventListener, Floor
from tests.integration.worker.lab.contracts import WAIT

ECHO = CATALOGUE["system.echo"]


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with Floor(tmp_path) as floor:
        yield floor


def test_one_message_carries_the_events_of_many_tasks(floor: Floor) -> None:
    floor.hire("worker").wait_ready()
    listener, began = EventListener(floor), time.monotonic()
    ids = [floor.accept(ECHO, {"message": str(number)}) for number in range(60)]
    assert wait_until(lambda: listener.has_received(*ids), 30), listener.received
    assert [listener.received[id] for id in ids] == [list(LIFE)] * 60
    # 180 events: a message when the buffer is full, and one every 0.1 s.
    assert listener.messages <= 20 + 10 * (time.monotonic() - began)


def test_a_stopping_worker_sends_the_events_of_its_last_task(floor: Floor) -> None:
    worker = floor.hire("worker")
    worker.wait_ready()
    listener, effects = EventListener(floor), floor.effects("last")
    id = floor.accept(WAIT, {"effects": effects.path, "seconds": 0.5})
    assert effects.wait_for("began", 1)
    worker.signal(signal.SIGTERM)
    assert worker.wait(SOFT_SECONDS)
    assert floor.task(id).state is State.SUCCEEDED
    assert wait_until(lambda: listener.has_received(id), 5), listener.received
    assert listener.received[id] == list(LIFE)
