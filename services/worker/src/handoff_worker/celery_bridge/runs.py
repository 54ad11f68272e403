"""Runs: tasks of one contract that a pool process runs one after the other, for one message.

A task that succeeded is followed by the next of its queue, in the step that records its end. The process tells of each
turn from one task to the next by a pipe, and the parent makes Celery's request of the message that of the next task. So
leases, cancellation, time limits, a lost process and Flower go on as if each had come with a message of its own.
"""

import os
from collections.abc import Sequence
from itertools import count
from threading import RLock
from typing import Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

from handoff_ledger import Claim

RUN_SECONDS = (
    0.1  # seconds after which a run takes no more: other contracts, other queues and a time limit wait for so long
)


class Turn(NamedTuple):
    """In a run a task succeeded, after `seconds`, and the next one began, `at` seconds since the epoch."""

    run: int
    next: str
    retries: int
    seconds: float
    at: float


class Run(Protocol):
    """Celery's request of a message, see `request.py`. `id` is that of the task that runs now."""

    id: str
    begun: bool

    def become(self, turn: Turn) -> str:
        """Makes it the next task's. Gives the id of the task that ended."""

    def tell(self, turn: Turn, ended: str) -> None:
        """Sends Flower the events of a turn."""


class Runs:
    """Made in the parent, before its pool is forked. One pipe serves all: what is written at once stays together."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._rest = b""  # of a line that was not read to its end
        self._numbers = count(1)
        self._requests: WeakValueDictionary[int, Run] = WeakValueDictionary()
        self._turns: Sequence[Turn] = ()  # that Celery's requests do not know of
        self._lock = RLock()  # Celery tells of what it cancels in a handler of a signal

    def turn(self, run: int, next: Claim, seconds: float, at: float) -> None:
        """A pool process tells of a turn, before it runs the next task. Waits for a parent that is far behind."""
        os.write(self._writer, f"{run} {next.id} {next.attempt - 1} {seconds:.6f} {at:.6f}\n".encode())

    def begin(self, request: Run) -> int:
        """The number of the run that a message begins."""
        number = next(self._numbers)
        self._requests[number] = request
        return number

    def held(self) -> list[str]:
        """The ids of the tasks that Celery's requests do not have yet. For any thread."""
        with self._lock:
            self._hear()
            return [turn.next for turn in self._turns if turn.run in self._requests]

    def running(self, id: str) -> Any:
        """Celery's request of the run in which the task runs now, as its process told, if it does. For any thread."""
        with self._lock:
            self._hear()
            now = {run: request.id for run, request in list(self._requests.items())}
            now |= {turn.run: turn.next for turn in self._turns}
            return next((self._requests.get(run) for run, at in now.items() if at == id), None)

    def tell(self) -> None:
        """Passes on what the processes told, to Celery's requests and to Flower. For the thread of Celery's loop."""
        with self._lock:
            self._hear()
            turns = [(self._requests.get(turn.run), turn) for turn in self._turns]
            self._turns = [turn for request, turn in turns if request and not request.begun]
            told = [(request, turn, request.become(turn)) for request, turn in turns if request and request.begun]
        for request, turn, ended in told:
            request.tell(turn, ended)

    def _hear(self) -> None:
        *lines, self._rest = (self._rest + b"".join(iter(self._read, b""))).split(b"\n")
        heard = [line.decode().split() for line in lines]
        turns = [Turn(int(run), id, int(retries), float(took), float(at)) for run, id, retries, took, at in heard]
        self._turns = [*self._turns, *turns]

    def _read(self) -> bytes:
        try:
            return os.read(self._reader, 65_536)
        except BlockingIOError:
            return b""
