"""A Redis of its own, and real worker processes that know the contracts of `lab`."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil
from redis import Redis as Client
from redis.client import PubSub

from process import free_port, stop_together, wait_until
from stack import QUEUES, ROOT, Redis, Worker, clean_environment
from tests.acceptance.checkout import Checkout
from tests.integration.worker.bench import Bench

LAB = "tests.integration.worker.lab"
LIFE = ("task-received", "task-started", "task-succeeded")
SOFT_SECONDS = 20  # the default soft shutdown of the workers
FILES = {
    "packages/contracts/src/handoff_contracts/tasks/lab.py": f"from {LAB}.contracts import *\n",
    "services/worker/src/handoff_worker/handlers/lab.py": f"import {LAB}.handlers\n",
}


class Floor(Bench):
    """A context manager: starts Redis, and stops Redis and every worker at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis = Redis(folder, port=free_port(), appendonly=True)
        super().__init__(f"redis://127.0.0.1:{self.redis.port}/0")
        self.client = Client.from_url(self.url, decode_responses=True)
        checkout = Checkout.into(folder / "checkout")
        for name, content in FILES.items():
            (checkout.folder / name).write_text(content)
        self._env = {
            **clean_environment(),
            "PYTHONPATH": f"{checkout.env['PYTHONPATH']}:{ROOT}",
            "CELERY_BROKER_URL": self.url,
            "HANDOFF_SOFT_SHUTDOWN": str(SOFT_SECONDS),
        }
        self.workers: list[Worker] = []

    def hire(self, name: str, *options: str, queues: str = QUEUES, processes: int = 2, **settings: str) -> Worker:
        """Starts a worker with further options of Celery, and does not wait until the worker is ready."""
        worker = Worker(self.folder, {**self._env, **settings}, name=name, concurrency=processes)
        worker.command[worker.command.index(QUEUES)] = queues
        worker.command += options
        self.workers.append(worker)
        worker.start()
        return worker

    def effects(self, name: str) -> "Effects":
        return Effects(self.folder / f"{name}.effects")

    def __enter__(self) -> Self:
        self.redis.start()
        self.redis.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        stop_together(self.workers)
        self.client.close()
        self.close()
        self.redis.stop()


class Crew(NamedTuple):
    """Two workers for the tests, and a third whose long tasks no test disturbs."""

    floor: Floor
    workers: list[Worker]
    steady: Worker
    long: list[str]


class EventListener:
    """Receives the events of every worker."""

    def __init__(self, floor: Floor) -> None:
        self._pubsub = PubSub(floor.client.connection_pool, ignore_subscribe_messages=True)
        self._pubsub.psubscribe("/0.celeryev/*")
        self.received: dict[str, list[str]] = defaultdict(list)
        self.events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.messages = 0

    def listen(self) -> None:
        while message := self._pubsub.get_message():
            body = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
            events = [event for event in (body if isinstance(body, list) else [body]) if "uuid" in event]
            self.messages += bool(events)
            for event in events:
                self.received[event["uuid"]].append(event["type"])
                self.events[event["uuid"]].append(event)

    def has_received(self, *ids: str, events: Sequence[str] = LIFE) -> bool:
        self.listen()
        return all(self.received[id] == list(events) for id in ids)


class Effects:
    """The file to which handlers append a line for each step: `<step> <name of the job> <pid>`."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def lines(self, what: str) -> list[tuple[str, int]]:
        """Returns the job and the pid of each line whose step is `what`, in the order of the lines."""
        path = Path(self.path)
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [(name, int(pid)) for said, name, pid in lines if said == what]

    def names(self, what: str) -> list[str]:
        return [name for name, _ in self.lines(what)]

    def wait_for(self, what: str, count: int, seconds: float = 30) -> bool:
        return wait_until(lambda: len(self.lines(what)) >= count, seconds)


def pool(worker: Worker) -> set[int]:
    """Returns the pids of a worker's pool processes."""
    return {child.pid for child in psutil.Process(worker.pid).children()}


def logs(workers: Iterable[Worker]) -> str:
    """Returns everything that the workers have logged."""
    return "".join(worker.log.read_text(errors="replace") for worker in workers)
