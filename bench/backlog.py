"""Measures what a backlog costs: `python -m bench.backlog`

Two APIs take turns, one with 1,000,000 open tasks and one with none. Times: a POST on one connection (median), and
Redis's own time for an accept and for a sweep of the reconciler, pipelined so that no wake-up counts. Memory: Redis's
bytes for an open task with a payload of 200 bytes, and for an open item of a chunk beyond its payload. Neither Redis
has an append-only file.

The targets count for the `redis-server` on the PATH, which has production's malloc; the embedded Valkey with glibc's
malloc is measured, too. Without a `redis-server` the targets count for the embedded one.
"""

import http.client
import json
import shutil
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
from handoff_ledger import Call, Limits, Submission, SyncLedger, calls
from handoff_ledger.scripts import load
from stack import EMBEDDED, Stack

TASKS = 1_000_000
ITEMS = 100_000
CHUNK = 1_000
TURNS = 60
CALLS = 50  # of each kind in a turn
ECHO = CATALOGUE["system.echo"]
PAYLOAD = json.dumps({"message": "x" * 184}, separators=(",", ":")).encode()
LIMITS = Limits(queue=10_000_000)
# Production requires an append-only file, which would add a minute to a million tasks.
WITHOUT_FILE = {**SETTINGS, "HANDOFF_ENV": "development", "HANDOFF_QUEUE_LIMIT": str(LIMITS.queue)}


def submissions(count: int) -> list[Submission]:
    return [Submission(contract=ECHO, payload=PAYLOAD, queue=ECHO.queue.name) for _ in range(count)]


class Side:
    """An API and its Redis, with or without a backlog. Times in ms, one for each turn."""

    def __init__(self, stack: Stack) -> None:
        self.redis = Connection(port=stack.redis.port)
        self.ledger = SyncLedger(stack.redis_url)
        self.api = http.client.HTTPConnection("127.0.0.1", int(stack.api.url.rpartition(":")[2]), timeout=10)
        self.times: dict[str, list[float]] = {"POST": [], "accept in Redis": [], "sweep in Redis": []}

    def used(self) -> int:
        return int(self.redis.info("memory")["used_memory"])

    def fill(self, tasks: int) -> float:
        """Accept this number of tasks. Return bytes a task."""
        before = self.used()
        with ThreadPoolExecutor(2) as pool:  # one thread builds tasks while Redis accepts the other's
            list(pool.map(self._accept, [CHUNK] * (tasks // CHUNK)))
        return (self.used() - before) / tasks

    def _accept(self, count: int) -> None:
        self.ledger.run(calls.accept(submissions(count), LIMITS))

    def fill_batch(self, items: int) -> float:
        """Accept a batch of this number of items. Return bytes an item, without its payload."""
        payloads = [json.dumps({"message": f"device-{number:08}"}, separators=(",", ":")) for number in range(items)]
        size = ECHO.policy.pack
        chunks = [payloads[at : at + size] for at in range(0, items, size)]
        batch = Submission(contract=ECHO, payload=b"{}", queue=ECHO.queue.name)
        contents = [(f"[{','.join(chunk)}]".encode(), len(chunk)) for chunk in chunks]
        before = self.used()
        self.ledger.run(calls.accept_batch(batch, contents, LIMITS))
        return (self.used() - before - sum(map(len, payloads))) / items

    def turn(self) -> None:
        posts = []
        for _ in range(CALLS):
            began = time.perf_counter()
            self.post()
            posts.append((time.perf_counter() - began) * 1000)
        self.times["POST"].append(statistics.median(posts))
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
        self.ledger.run(made[0])  # loads the script
        with self.redis.pipeline(transaction=False) as pipeline:
            for call in made:
                pipeline.evalsha(load(call.script).sha, 0, *call.args)
            self.redis.config_resetstat()
            pipeline.execute()
        self.times[name].append(self.redis.info("commandstats")["cmdstat_evalsha"]["usec_per_call"] / 1000)

    def close(self) -> None:
        self.api.close()
        self.ledger.close()
        self.redis.close()


def measure(tasks: int = TASKS, items: int = ITEMS, turns: int = TURNS) -> Figures:
    program = shutil.which("redis-server")
    embedded = measure_one(EMBEDDED, tasks, items, turns)
    if not program:
        return embedded
    beside = {f"{name}, embedded": figures for name, figures in embedded.items()}
    return measure_one(program, tasks, items, turns) | beside


def measure_one(program: str, tasks: int, items: int, turns: int) -> Figures:
    with ExitStack() as stack:
        sides = []
        for _ in range(2):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            started = Stack(folder, settings=WITHOUT_FILE, workers=0, redis_program=program)
            side = Side(stack.enter_context(started))
            stack.callback(side.close)
            sides.append(side)
        none, full = sides
        figures = {"open task": {"bytes": full.fill(tasks)}, "open item of a chunk": {"bytes": none.fill_batch(items)}}
        for turn in range(turns):
            for side in sides if turn % 2 else reversed(sides):
                side.turn()
    for name in none.times:
        ratios = [with_all / without for without, with_all in zip(none.times[name], full.times[name], strict=True)]
        figures[name] = {
            "ms with none": statistics.median(none.times[name]),
            "ms with all": statistics.median(full.times[name]),
            "ratio": statistics.median(ratios),
        }
    return figures


if __name__ == "__main__":
    alone(measure)
