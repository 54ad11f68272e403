"""What does a backlog cost? `python -m bench.backlog`

With 1,000,000 open tasks beside none, each behind an API of its own, in turns: a POST on one connection (median), and
the time that Redis itself counts for an accept and for a sweep of the reconciler. And the memory of Redis for an open
task with a payload of 200 bytes, and for an open item of a pack beyond its payload. Neither Redis keeps a file.
"""

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from redis import Redis as Connection

from bench.figures import Figures, alone
from bench.handoff import HEADERS, SETTINGS
from handoff_contracts import CATALOGUE
from handoff_ledger import BlockingLedger, Call, Limits, Submission, calls
from stack import Stack

TASKS = 1_000_000
ITEMS = 100_000
CHUNK = 1_000
TURNS = 10
CALLS = 200  # of each kind in a turn
ECHO = CATALOGUE["system.echo"]
PAYLOAD = json.dumps({"message": "x" * 184}, separators=(",", ":")).encode()
LIMITS = Limits(queue=10_000_000)
# Without an append-only file, which production insists on: a million tasks would take a minute longer to write.
WITHOUT_FILE = {**SETTINGS, "HANDOFF_ENV": "development", "HANDOFF_QUEUE_LIMIT": str(LIMITS.queue)}


def submissions(count: int) -> list[Submission]:
    return [Submission(contract=ECHO, payload=PAYLOAD, queue=ECHO.queue.name) for _ in range(count)]


class Side:
    """An API and its Redis, with or without a backlog. Times in ms, of all turns."""

    def __init__(self, stack: Stack) -> None:
        self.redis = Connection(port=stack.redis.port)
        self.ledger = BlockingLedger(stack.redis_url)
        self.api = http.client.HTTPConnection("127.0.0.1", int(stack.api.url.rpartition(":")[2]), timeout=10)
        self.times: dict[str, list[float]] = {"POST": [], "accept in Redis": [], "sweep in Redis": []}

    def used(self) -> int:
        return int(self.redis.info("memory")["used_memory"])

    def fill(self, tasks: int) -> float:
        """Accepts so many. Gives bytes a task."""
        before = self.used()
        with ThreadPoolExecutor(2) as pool:  # one makes tasks while Redis takes the other's
            list(pool.map(self._accept, [CHUNK] * (tasks // CHUNK)))
        return (self.used() - before) / tasks

    def _accept(self, count: int) -> None:
        self.ledger.run(calls.accept(submissions(count), LIMITS))

    def pack(self, items: int) -> float:
        """Accepts a batch of so many. Gives bytes an item, its payload not counted."""
        payloads = [json.dumps({"message": f"device-{number:08}"}, separators=(",", ":")) for number in range(items)]
        size = ECHO.policy.pack
        packs = [payloads[at : at + size] for at in range(0, items, size)]
        batch = Submission(contract=ECHO, payload=b"{}", queue=ECHO.queue.name)
        contents = [(f"[{','.join(pack)}]".encode(), len(pack)) for pack in packs]
        before = self.used()
        self.ledger.run(calls.accept_batch(batch, contents, LIMITS))
        return (self.used() - before - sum(map(len, payloads))) / items

    def turn(self) -> None:
        for _ in range(CALLS):
            began = time.perf_counter()
            self.post()
            self.times["POST"].append((time.perf_counter() - began) * 1000)
        self._counted("accept in Redis", [calls.accept([one], LIMITS) for one in submissions(CALLS)])
        self._counted("sweep in Redis", [calls.sweep("bench", LIMITS)] * CALLS)

    def post(self) -> None:
        headers = {**HEADERS, "Content-Type": "application/json"}
        self.api.request("POST", f"/v1/tasks/{ECHO.name}", PAYLOAD, headers)
        answer = self.api.getresponse()
        if answer.status != 202:
            raise SystemExit(f"A task was not accepted: {answer.read().decode()}")
        answer.read()

    def _counted(self, name: str, made: Sequence[Call[Any]]) -> None:
        self.redis.config_resetstat()
        for call in made:
            self.ledger.run(call)
        self.times[name].append(self.redis.info("commandstats")["cmdstat_evalsha"]["usec_per_call"] / 1000)

    def close(self) -> None:
        self.api.close()
        self.ledger.close()
        self.redis.close()


def measure(tasks: int = TASKS, items: int = ITEMS, turns: int = TURNS) -> Figures:
    with ExitStack() as stack:
        sides = []
        for _ in range(2):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            side = Side(stack.enter_context(Stack(folder, settings=WITHOUT_FILE, workers=0)))
            stack.callback(side.close)
            sides.append(side)
        none, full = sides
        figures = {"open task": {"bytes": full.fill(tasks)}, "open item of a pack": {"bytes": none.pack(items)}}
        for _ in range(turns):
            none.turn()
            full.turn()
        for name in none.times:
            without, with_all = statistics.median(none.times[name]), statistics.median(full.times[name])
            figures[name] = {"ms with none": without, "ms with all": with_all, "ratio": with_all / without}
    return figures


if __name__ == "__main__":
    alone(measure)
