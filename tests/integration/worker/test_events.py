"""What Flower hears of tasks: all of it, in few messages."""

import base64
import json
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.client import PubSub

from handoff_contracts import CATALOGUE
from handoff_ledger import State
from process import wait_until
from tests.integration.worker.floor import Floor
from tests.integration.worker.lab.contracts import WAIT

ECHO = CATALOGUE["system.echo"]
LIFE = ["task-received", "task-started", "task-succeeded"]


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with Floor(tmp_path) as floor:
        yield floor


class Ear:
    """Hears every worker's events."""

    def __init__(self, floor: Floor) -> None:
        self._pubsub = PubSub(floor.client.connection_pool, ignore_subscribe_messages=True)
        self._pubsub.psubscribe("/0.celeryev/*")
        self.heard: dict[str, list[str]] = defaultdict(list)
        self.messages = 0

    def listen(self) -> None:
        while message := self._pubsub.get_message():
            body = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
            events = [event for event in (body if isinstance(body, list) else [body]) if "uuid" in event]
            self.messages += bool(events)
            for event in events:
                self.heard[event["uuid"]].append(event["type"])

    def has_heard(self, *ids: str) -> bool:
        self.listen()
        return all(len(self.heard[id]) >= len(LIFE) for id in ids)


def test_the_events_of_many_tasks_come_together(floor: Floor) -> None:
    floor.hire("worker").wait_ready()
    ear = Ear(floor)
    ids = [floor.accept(ECHO, {"message": str(number)}) for number in range(60)]
    assert wait_until(lambda: ear.has_heard(*ids), 10)
    assert [ear.heard[id] for id in ids] == [LIFE] * 60
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
    assert ear.heard[id] == LIFE
