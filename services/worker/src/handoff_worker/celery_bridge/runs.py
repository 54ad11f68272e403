"""Runs: several tasks of one contract that a pool process runs one after another for a single message.

The step that records a success also claims the next task of the queue. The process reports each such turn through a
pipe, and the parent then changes Celery's request of the message into a request of the next task. So leases,
cancellation, time limits, lost processes and Flower work as if each task had a message of its own.
"""

import os
from collections.abc import Sequence
from itertools import count
from threading import RLock
from typing import Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

from handoff_ledger import Claim

RUN_SECONDS = 0.1  # after which a run claims no further task, because other contracts and queues wait meanwhile


class Turn(NamedTuple):
    """A turn of a run: a task succeeded after `seconds`, and the task `next` began `at` seconds since the epoch."""

    run: int
    next: str
    retries: int
    seconds: float
    at: float


class Run(Protocol):
    """Celery's request of a message, see `request.py`. `id`: the task that runs now."""

    id: str
    begun: bool

    def become(self, turn: Turn) -> str:
        """Changes the request to the next task. Returns the id of the task that ended."""

    def tell(self, turn: Turn, ended: str) -> None:
        """Sends Flower the events of a turn."""


class Runs:
    """Created in the parent before it forks the pool. All processes share one pipe, into which each write is atomic."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._rest = b""  # the start of a line whose end is not read yet
        self._numbers = count(1)
        self._requests: WeakValueDictionary[int, Run] = WeakValueDictionary()
        self._turns: Sequence[Turn] = ()  # not applied to Celery's requests yet
        self._lock = RLock()  # reentrant, because Celery sends events in a signal handler too

    def turn(self, run: int, next: Claim, seconds: float, at: float) -> None:
        """Reports a turn from a pool process, before the next task runs. Blocks while the pipe is full."""
        os.write(self._writer, f"{run} {next.id} {next.attempt - 1} {seconds:.6f} {at:.6f}\n".encode())

    def begin(self, request: Run) -> int:
        """Registers a message's request, and returns the number of its run."""
        number = next(self._numbers)
        self._requests[number] = request
        return number

    def held(self) -> list[str]:
        """Returns the ids of the tasks that Celery's requests do not have yet. Any thread may call this."""
        with self._lock:
            self._read_turns()
            return [turn.next for turn in self._turns if turn.run in self._requests]

    def running(self, id: str) -> Any:
        """Returns Celery's request of the run in which the task runs now, or None. Any thread may call this."""
        with self._lock:
            self._read_turns()
            now = {run: request.id for run, request in list(self._requests.items())}
            now |= {turn.run: turn.next for turn in self._turns}
            return next((self._requests.get(run) for run, at in now.items() if at == id), None)

    def tell(self) -> None:
        """Applies the reported turns to Celery's requests, and sends Flower their events.

        Only the thread of Celery's event loop may call this.
        """
        with self._lock:
            self._read_turns()
            turns = [(self._requests.get(turn.run), turn) for turn in self._turns]
            self._turns = [turn for request, turn in turns if request and not request.begun]
            applied = [(request, turn, request.become(turn)) for request, turn in turns if request and request.begun]
        for request, turn, ended in applied:
            request.tell(turn, ended)

    def _read_turns(self) -> None:
        *lines, self._rest = (self._rest + b"".join(iter(self._read, b""))).split(b"\n")
        fields = [line.decode().split() for line in lines]
        turns = [Turn(int(run), id, int(retries), float(took), float(at)) for run, id, retries, took, at in fields]
        self._turns = [*self._turns, *turns]

    def _read(self) -> bytes:
        try:
            return os.read(self._reader, 65_536)
        except BlockingIOError:
            return b""
