"""The effects of the handlers: one line a request, in a file that no part of Handoff reads.

`began|effect <token> <task> <pid> <monotonic seconds>`. A token stands for one item of one idempotency key. Requests of
the same task for the same token are one effect, as for a provider with idempotency keys; the others count as repeated.
Requests of two tasks for the same token are two effects.
"""

import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple


class Request(NamedTuple):
    what: str
    token: str
    task: str
    pid: int
    at: float


class Sink:
    """The file, read as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._lock = threading.Lock()
        self._read = 0
        self._rest = b""
        self.requests: list[Request] = []
        self.done: set[str] = set()

    def refresh(self) -> "Sink":
        """Read the new lines."""
        with self._lock:
            with self.path.open("rb") as file:
                file.seek(self._read)
                fresh = file.read()
            self._read += len(fresh)
            *lines, self._rest = (self._rest + fresh).split(b"\n")
            for line in lines:
                what, token, task, pid, at = line.decode().split()
                self.requests.append(Request(what, token, task, int(pid), float(at)))
                if what == "effect":
                    self.done.add(token)
        return self

    def effects(self) -> dict[str, int]:
        """Return the number of effects of each token."""
        tasks: dict[str, set[str]] = defaultdict(set)
        for request in self.requests:
            if request.what == "effect":
                tasks[request.token].add(request.task)
        return {token: len(of) for token, of in tasks.items()}

    def repeated(self, *, leave_out: frozenset[str] = frozenset()) -> int:
        """Return the number of repeated requests of the same task, with those cut off before their effect."""
        sent = Counter(
            (request.token, request.task)
            for request in self.requests
            if request.what == "began" and request.token not in leave_out
        )
        return sum(sent.values()) - len(sent)

    def unexplained(self, killed: frozenset[int], *, leave_out: frozenset[str] = frozenset()) -> list[str]:
        """Return the tokens whose request was repeated without a kill of the process that sent it."""
        last: dict[tuple[str, str], int] = {}
        found = []
        for request in self.requests:
            if request.what == "began" and request.token not in leave_out:
                before = last.get((request.token, request.task))
                if before is not None and before not in killed:
                    found.append(request.token)
                last[request.token, request.task] = request.pid
        return found

    def began(self, token: str) -> list[float]:
        """Return when the token's requests began, in order."""
        return [request.at for request in self.requests if request.token == token and request.what == "began"]

    def recoveries(self, at: float, pids: set[int]) -> list[float]:
        """Return the seconds from a kill at `at` of `pids` until each interrupted request began again."""
        first: dict[tuple[str, str], float] = {}
        ended: set[tuple[str, str]] = set()
        again: dict[tuple[str, str], float] = {}
        for request in self.requests:
            key = (request.token, request.task)
            if request.pid in pids:
                if request.what == "began":
                    first[key] = request.at
                else:
                    ended.add(key)
            elif request.at > at and request.what == "began":
                again.setdefault(key, request.at)
        cut = first.keys() - ended
        return [again[key] - at if key in again else float("inf") for key in cut]
