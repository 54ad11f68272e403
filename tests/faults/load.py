"""A bounded load: so many requests in flight, and so many items accepted but not done; it ends by itself."""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from tests.faults.client import Answer, Client
from tests.faults.client_log import ClientLog
from tests.faults.sink import Sink

BATCH = 50  # items
STUCK_SECONDS = 60.0  # without any effect, it gives up: the checker will tell why


class Job(NamedTuple):
    """What is submitted under one key; `items` of a batch, 0 for a single task."""

    key: str
    path: str
    body: Any
    items: int = 0


def single(key: str, contract: str = "faults.effect", seconds: float = 0.0, query: str = "") -> Job:
    return Job(key, f"/v1/tasks/{contract}{query}", {"token": key, "seconds": seconds})


def batch(key: str, items: int = BATCH, seconds: float = 0.0) -> Job:
    tokens = [{"token": f"{key}.{item}"} for item in range(items)]
    return Job(key, "/v1/batches/faults.effect", {"common": {"seconds": seconds}, "items": tokens}, items)


def mixed(name: str, items: int, random: Random, seconds: float = 0.01) -> Iterator[Job]:
    """So many items: a half in batches, of the single tasks a fifth that blocks its process."""
    left = items
    for number in itertools.count():
        if left <= 0:
            return
        key, work = f"{name}-{number}", random.uniform(0, 2 * seconds)
        if left >= BATCH and random.random() < 1 / BATCH:
            left -= BATCH
            yield batch(key, seconds=work)
        else:
            left -= 1
            yield single(key, "faults.block" if random.random() < 0.2 else "faults.effect", work)


class Load:
    """Submits jobs from threads of its own. `ahead`: accepted items without an effect that it leaves standing."""

    def __init__(
        self,
        jobs: Iterator[Job],
        urls: Sequence[str],
        client_log: ClientLog,
        sink: Sink,
        *,
        threads: int = 8,
        ahead: int = 1000,
    ) -> None:
        self._jobs = jobs
        self._client_log = client_log
        self._sink = sink
        self._ahead = ahead
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._clients = [Client(urls) for _ in range(threads)]
        self._threads = [threading.Thread(target=self._run, args=[client], daemon=True) for client in self._clients]
        self.submitted = 0  # items that were accepted

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    @property
    def going(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Stop after the jobs that are being submitted."""
        self._stopped.set()

    def finish(self) -> None:
        """Waits for the end of the jobs; a client's patience bounds it."""
        for thread in self._threads:
            thread.join()

    @property
    def answers(self) -> list[Answer]:
        return [answer for client in self._clients for answer in client.answers]

    def _next(self) -> Job | None:
        """The next job, once there is room for it."""
        with self._lock:
            done, since = -1, time.monotonic()
            while not self._stopped.is_set() and time.monotonic() - since < STUCK_SECONDS:
                if self.submitted - len(self._sink.done) < self._ahead:
                    return next(self._jobs, None)
                if len(self._sink.refresh().done) != done:
                    done, since = len(self._sink.done), time.monotonic()
                self._stopped.wait(0.05)
        return None

    def _run(self, client: Client) -> None:
        while job := self._next():
            self._client_log.write(job.key, "invoked", job.items)
            status, id = client.submit(job.key, job.path, job.body)
            self._client_log.write(job.key, status, job.items, id)
            if status == "ok":
                with self._lock:
                    self.submitted += job.items or 1
        client.close()
