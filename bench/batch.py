"""Measures how fast the API accepts a batch, and how fast workers run it: `python -m bench.batch`

10,000 pushes in one POST: the server's time (Server-Timing, after the last byte of the body) and the client's time
until the response, medians of ten. 1,000,000 items of `system.echo` in ten POSTs: when all are accepted,
two worker processes run and record them one by one; items/s from the first to the last.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

import httpx2
from redis import Redis as Connection

from bench.drain import rate
from bench.figures import Figures, alone
from bench.handoff import HEADERS, production

POSTS = 10
PUSHES = 10_000
ECHOES = 100_000  # the limit of one POST
LIMIT_SECONDS = 80.0


def body(common: dict[str, str], field: str, count: int) -> bytes:
    items = [{field: f"device-{number:08}"} for number in range(count)]
    return json.dumps({"common": common, "items": items}).encode()


def post(client: httpx2.Client, contract: str, content: bytes) -> tuple[float, float]:
    """Return the milliseconds in the server, and until the response."""
    began = time.perf_counter()
    answer = client.post(f"/v1/batches/{contract}", content=content)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 202:
        raise SystemExit(f"The batch was not accepted: {answer.text}")
    return float(answer.headers["server-timing"].partition("dur=")[2]), took


def measure() -> Figures:
    pushes = body({"title": "Your order is on its way", "body": "It arrives tomorrow by 12."}, "token", PUSHES)
    echoes = body({}, "message", ECHOES)
    with tempfile.TemporaryDirectory() as name:
        stack = production(Path(name))
        worker = stack.worker
        headers = {**HEADERS, "Content-Type": "application/json"}
        try:
            for process in (stack.redis, stack.api):
                process.start()
                process.wait_ready()
            with httpx2.Client(base_url=stack.api.url, headers=headers, timeout=60, trust_env=False) as client:
                small = [post(client, "push.send", pushes) for _ in range(POSTS)]
                large = [post(client, "system.echo", echoes) for _ in range(POSTS)]
            worker.command[worker.command.index("-Q") + 1] = "default"  # no worker takes the pushes
            worker.start()
            with Connection(port=stack.redis.port) as redis:
                done = "system.echo item succeeded"
                run = rate(lambda: int(redis.hget("handoff:stats", done) or 0), POSTS * ECHOES, LIMIT_SECONDS)
        finally:
            stack.stop()
    return {
        "10,000 items": times(small),
        "100,000 items": times(large),
        "1,000,000 items": {"run/s": run},
    }


def times(posts: list[tuple[float, float]]) -> dict[str, float]:
    server, answered = (statistics.median(values) for values in zip(*posts, strict=True))
    return {"server ms": server, "answer ms": answered}


if __name__ == "__main__":
    alone(measure)
