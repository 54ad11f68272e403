"""What a backlog costs: `python bench/backlog.py [tasks]`. Prints one JSON object.

Fills an embedded Redis with open single tasks of a 200-byte payload and measures, with none of them and with all:
a sweep of the reconciler and an accept, in ms (medians of 200), and Redis's memory for a task, in bytes.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from handoff_contracts import CATALOGUE
from handoff_ledger import BlockingLedger, Limits, Submission, calls
from process import free_port
from stack import Redis

ECHO = CATALOGUE["system.echo"]
PAYLOAD = json.dumps({"message": "x" * 184}, separators=(",", ":")).encode()
LIMITS = Limits(queue=10_000_000)
CHUNK = 500


def submissions(count: int) -> list[Submission]:
    return [Submission(contract=ECHO, payload=PAYLOAD, queue="default") for _ in range(count)]


def median_ms(step: Callable[[], object]) -> float:
    times = []
    for _ in range(200):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 3)


def measure(ledger: BlockingLedger) -> dict[str, float]:
    return {
        "sweep_ms": median_ms(lambda: ledger.run(calls.sweep("bench", LIMITS))),
        "accept_ms": median_ms(lambda: ledger.run(calls.accept(submissions(1), LIMITS))),
    }


def main() -> int:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        redis = Redis(Path(folder), port=free_port(), appendonly=False)
        redis.start()
        try:
            redis.wait_ready()
            ledger = BlockingLedger(f"redis://127.0.0.1:{redis.port}/0")
            empty, before = measure(ledger), ledger.info()["used_memory"]
            for _ in range(tasks // CHUNK):
                ledger.run(calls.accept(submissions(CHUNK), LIMITS))
            each = (ledger.info()["used_memory"] - before) / tasks
            print(json.dumps({"tasks": tasks, "empty": empty, "full": measure(ledger), "bytes_a_task": round(each)}))
        finally:
            redis.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
