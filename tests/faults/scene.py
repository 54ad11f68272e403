"""Where a scenario plays: a stack of real processes that knows the suite's contracts, a client's ledger and a sink."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Self

import psutil
from redis import Redis as Connection

from process import Process
from stack import ROOT, Stack, Worker
from tests.acceptance.checkout import Checkout
from tests.faults.client import Answer, Client
from tests.faults.client_log import ClientLog
from tests.faults.load import Job, Load
from tests.faults.sink import Sink

LAB = "tests.faults.lab"
LAB_FILES = {
    "packages/contracts/src/handoff_contracts/tasks/faults.py": (
        f"from {LAB}.contracts import BLOCK, EFFECT, HANG, HOG, SEGFAULT, SPIN\n"
    ),
    "services/worker/src/handoff_worker/handlers/faults.py": f"import {LAB}.handlers\n",
}
PROCESSES = 2  # pool processes of a worker
IN_FLIGHT = 5  # requests of one of them at once, see lab/contracts.py


class Kill(NamedTuple):
    """What was killed and when. `cuts`: the most requests that it can have had in flight."""

    at: float
    what: str
    pids: frozenset[int]
    cuts: int


def checkout(folder: Path) -> str:
    """A copy of the source whose catalogue has the suite's contracts too. Gives the PYTHONPATH that imports it."""
    copy = Checkout.into(folder)
    for name, content in LAB_FILES.items():
        (copy.folder / name).write_text(content)
    return os.pathsep.join([copy.env["PYTHONPATH"], str(ROOT)])


class Scene:
    """As a context manager: the stack runs inside, and nothing is left after.

    Operations note their kills here, and scenarios what must not have been.
    """

    def __init__(self, folder: Path, pythonpath: str, random: Random) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.random = random
        self.sink = Sink(folder / "sink")
        self.client_log = ClientLog(folder / "client.log")
        settings = {"PYTHONPATH": pythonpath, "FAULTS_SINK": str(self.sink.path)}
        self.stack = Stack(folder, settings=settings, workers=2, appendonly=True)
        self.redis = Connection(port=self.stack.redis.port, decode_responses=True, socket_timeout=5)
        self.client = Client([self.stack.api.url])
        self.extra: list[Process] = []  # what an operation started beside the stack
        self.loads: list[Load] = []
        self.kills: list[Kill] = []
        self.recoveries: list[float] = []
        self.excused: set[str] = set()  # keys of what need not have an effect
        self.expired: set[str] = set()  # keys of what has ended, and whose record is gone by now
        self.faults: list[str] = []
        self.notes: list[str] = []
        self._survivors: list[psutil.Process] = []  # of killed workers

    def __enter__(self) -> Self:
        self.stack.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        for load in self.loads:
            load.stop()
        for process in self.extra:
            process.stop()
        self.stack.__exit__(*exception)
        self.client.close()
        self.redis.close()
        self.client_log.close()

    @property
    def urls(self) -> list[str]:
        return [self.stack.api.url]

    @property
    def answers(self) -> list[Answer]:
        """Every answer of the API to what was submitted."""
        return [*self.client.answers, *(answer for load in self.loads for answer in load.answers)]

    def load(self, jobs: Iterator[Job], **options: Any) -> Load:
        """Starts a load."""
        self.loads.append(Load(jobs, self.urls, self.client_log, self.sink, **options))
        return self.loads[-1].start()

    def submit(self, jobs: Iterable[Job]) -> list[str]:
        """Submits one after the other. Gives what the API calls them."""
        ids = []
        for job in jobs:
            self.client_log.write(job.key, "invoked", job.items)
            status, id = self.client.submit(job.key, job.path, job.body)
            self.client_log.write(job.key, status, job.items, id)
            ids.append(id)
        return ids

    def killed(self, what: str, victims: Iterable[psutil.Process], cuts: int) -> Kill:
        """Notes a kill."""
        victims = list(victims)
        self._survivors += victims
        self.kills.append(Kill(time.monotonic(), what, frozenset(victim.pid for victim in victims), cuts))
        return self.kills[-1]

    def expect(self, holds: bool, otherwise: str) -> None:
        """Notes a fault unless it holds."""
        if not holds:
            self.faults.append(otherwise)

    def left_over(self) -> list[psutil.Process]:
        """Processes of killed workers that did not end by themselves; they are ended now."""
        _, alive = psutil.wait_procs(self._survivors, timeout=10)
        for process in alive:
            process.kill()
        return list(alive)


def family(worker: Worker) -> list[psutil.Process]:
    """A worker's parent and its pool processes."""
    parent = psutil.Process(worker.pid)
    return [parent, *parent.children()]
