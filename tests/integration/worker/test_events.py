"""What Flower hears of tasks: all of it, in few messages."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_contracts import CATALOGUE
from handoff_ledger import State
from process import wait_until
from tests.integration.worker.floor import LIFE, SOFT_SECONDS, Ear, Floor
from tests.integration.worker.lab.contracts import WAIT

ECHO = CATALOGUE["system.echo"]


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with Floor(tmp_path) as floor:
        yield floor


def test_the_events_of_many_tasks_come_together(floor: Floor) -> None:
    floor.hire("worker").wait_ready()
    ear, began = Ear(floor), time.monotonic()
    ids = [floor.accept(ECHO, {"message": str(number)}) for number in range(60)]
    assert wait_until(lambda: ear.has_heard(*ids), 30), ear.heard
    assert [ear.heard[id] for id in ids] == [list(LIFE)] * 60
    # Of 180 events: some messages because they were full, and one in each 0.1 s.
    assert ear.messages <= 20 + 10 * (time.monotonic() - began)


def test_a_worker_that_stops_tells_of_its_last_task(floor: Floor) -> None:
    worker = floor.hire("worker")
    worker.wait_ready()
    ear, effects = Ear(floor), floor.effects("last")
    id = floor.accept(WAIT, {"effects": effects.path, "seconds": 0.5})
    assert effects.wait_for("began", 1)
    worker.signal(signal.SIGTERM)
    assert worker.wait(SOFT_SECONDS)
    assert floor.task(id).state is State.SUCCEEDED
    assert wait_until(lambda: ear.has_heard(id), 5), ear.heard
    assert ear.heard[id] == list(LIFE)
