"""Measures how fast the API accepts tasks: `python -m bench.accept`

wrk posts one push over 32 connections to one API process, without a warm-up, and measures requests/s and latency. The
bare route, the tutorial and Handoff take turns on the same machine; each ratio is the median over the turns.
Handoff runs gunicorn with an API key, logs, metrics and an append-only file. The bare route and the peers run uvicorn
without logs, and the peers' Redis has no append-only file.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.figures import Figures, alone
from bench.handoff import HEADERS, production
from bench.peer import BARE, PEERS, TUTORIAL, Peer, Server
from bench.wrk import Load, post
from process import free_port
from stack import ROOT, Redis, clean_environment

ROUNDS = 3
SECONDS = 4
PATH = "/v1/tasks/push.send"
BODY = json.dumps({"token": "device-1", "title": "Your order is on its way", "body": "It arrives tomorrow by 12."})


def row(loads: Sequence[Load], bare: Sequence[Load]) -> dict[str, float]:
    """Return the medians of the turns, and their ratios to the bare route."""
    rate, p50, p99 = (statistics.median(values) for values in zip(*loads, strict=True))
    return {
        "requests/s": rate,
        "p50 ms": p50,
        "p99 ms": p99,
        "of bare": statistics.median(load.rate / limit.rate for load, limit in zip(loads, bare, strict=False)),
        "p99 of bare": statistics.median(load.p99 / limit.p99 for load, limit in zip(loads, bare, strict=False)),
    }


@contextmanager
def serving(peer: Peer, folder: Path) -> Iterator[str]:
    """Yield the URL of a peer's API, which has its own Redis."""
    redis = Redis(folder, port=free_port(), appendonly=False)
    server = peer.server(folder, redis.port, port=free_port())
    try:
        redis.start()
        redis.wait_ready()
        server.start()
        server.wait_ready()
        yield f"{server.url}/push"
    finally:
        server.stop()
        redis.stop()


def in_turns(tutorial: Peer, folder: Path) -> Figures:
    """Measure the bare route, the tutorial, and Handoff without and with an Idempotency-Key."""
    python = Path(sys.executable)
    bare = Server("bare", python, folder, {**clean_environment(), "PYTHONPATH": str(ROOT)}, port=free_port())
    stack = production(folder / "stack", workers=0)
    turns: dict[str, list[Load]] = {BARE: [], TUTORIAL: [], "Handoff": [], "Handoff, Idempotency-Key": []}
    with ExitStack() as stop:
        stop.callback(bare.stop)
        bare.start()
        bare.wait_ready()
        theirs = stop.enter_context(serving(tutorial, folder))
        stop.enter_context(stack)
        ours = f"{stack.api.url}{PATH}"
        for _ in range(ROUNDS):
            turns[BARE].append(post(f"{bare.url}/push", BODY, SECONDS))
            turns["Handoff"].append(post(ours, BODY, SECONDS, HEADERS))
            turns[TUTORIAL].append(post(theirs, BODY, SECONDS))
            turns["Handoff, Idempotency-Key"].append(post(ours, BODY, SECONDS, HEADERS, keys=True))
    figures = {name: row(loads, turns[BARE]) for name, loads in turns.items()}
    for name in ("Handoff", "Handoff, Idempotency-Key"):
        ratios = [load.rate / peer.rate for load, peer in zip(turns[name], turns[TUTORIAL], strict=True)]
        figures[name]["of tutorial"] = statistics.median(ratios)
    return figures


def measure() -> Figures:
    peers = {peer.module: peer for peer in PEERS}
    with tempfile.TemporaryDirectory() as name:
        figures = in_turns(peers.pop("celery"), Path(name))
    bare = figures[BARE]
    limit = Load(bare["requests/s"], bare["p50 ms"], bare["p99 ms"])
    for peer in peers.values():
        with tempfile.TemporaryDirectory() as name, serving(peer, Path(name)) as url:
            figures[peer.name] = row([post(url, BODY, SECONDS)], [limit])
    rates = {name: figure["requests/s"] for name, figure in figures.items()}
    best = max(rate for name, rate in rates.items() if name != BARE and not name.startswith("Handoff"))
    for name in ("Handoff", "Handoff, Idempotency-Key"):
        figures[name]["of best peer"] = rates[name] / best
    return figures


if __name__ == "__main__":
    alone(measure)
