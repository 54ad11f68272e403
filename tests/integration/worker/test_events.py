"""What Flower hears of tasks: all of it, in few messages."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_contracts import CATALOGUE
from handoff_ledger import State
from process import wait_until
from tests.integration.worker.floor import LIFE, Ear, Floor
from tests.integration.worker.lab.contracts import WAIT

ECHO = CATALOGUE["system.echo"]


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with Floor(tmp_path) as floor:
        yield floor


def test_the_events_of_many_tasks_come_together(floor: Floor) -> None:
    floor.hire("worker").wait_ready()
    ear = Ear(floor)
    ids = [floor.accept(ECHO, {"message": str(number)}) for number in range(60)]
    assert wait_until(lambda: ear.has_heard(*ids), 10)
    assert [ear.heard[id] for id in ids] == [list(LIFE)] * 60
    assert ear.messages <= 60  # a third of the events, at the most


def test_a_worker_that_stops_tells_of_its_last_task(floor: Floor) -> None:
    worker = floor.hire("worker")
    worker.wait_ready()
    ear, effects = Ear(floor), floor.effects("last")
    id = floor.accept(WAIT, {"effects": effects.path, "seconds": 0.5})
    assert effects.wait_for("began", 1)
    worker.signal(signal.SIGTERM)
    assert worker.wait(10)
    assert floor.task(id).state is State.SUCCEEDED
    assert wait_until(lambda: ear.has_heard(id), 2), ear.heard
    assert ear.heard[id] == list(LIFE)
