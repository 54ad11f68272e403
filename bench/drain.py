"""How fast are single tasks run? `python -m bench.drain`

Handoff and Celery take turns, so that both see the same machine; their figures are medians of the turns.
Empty tasks that wait already, run by two worker processes: finished tasks a second, from the first that is finished to
the last, or for 15 s. So no start-up is in it, for nobody. Handoff has its lease, fence, ledger, result, logs and an
append-only file; Celery, rq, arq and taskiq keep a result, dramatiq none. The peers' Redis keeps no file, but for one
row: Celery with the same append-only file as Handoff's. The measure is the fastest of Celery's rows.
"""

import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from redis import Redis as Connection

from bench.figures import Figures, alone
from bench.handoff import production
from bench.peer import PEERS, Peer
from handoff_contracts import CATALOGUE
from handoff_ledger import Limits, Submission, SyncLedger, calls
from process import NotReady, Process, free_port, stop_together, wait_until
from stack import Redis

Run = Callable[[Path], float]  # gives the rate
TASKS = 15_000
ROUNDS = 3
CHUNK = 500
START_SECONDS = 30.0
LIMIT_SECONDS = 15.0
ECHO = CATALOGUE["system.echo"]
PAYLOAD = json.dumps({"message": "device-1"}).encode()


def rate(finished: Callable[[], int], tasks: int, limit_s: float = LIMIT_SECONDS) -> float:
    """Finished tasks a second, from the first on."""
    if not wait_until(lambda: finished() > 0, START_SECONDS):
        raise NotReady(f"No task was finished within {START_SECONDS:.0f} s")
    first, began = finished(), time.monotonic()
    wait_until(lambda: finished() >= tasks, limit_s)
    return (finished() - first) / (time.monotonic() - began)


def by_peer(peer: Peer, folder: Path, *, appendonly: bool = False) -> float:
    redis = Redis(folder, port=free_port(), appendonly=appendonly)
    fill = peer.fill(folder, redis.port)
    workers: Sequence[Process] = []
    redis.start()
    try:
        redis.wait_ready()
        fill.start()
        if not fill.wait(60) or fill.exit_code:
            raise NotReady(f"{peer.name} could not be filled: {fill.log.read_text()}")
        with Connection(port=redis.port) as queues, Connection(port=redis.port, db=1) as results:
            workers = peer.started(folder, redis.port)
            return rate(lambda: peer.finished(queues, results, peer.tasks), peer.tasks)
    finally:
        fill.kill()
        stop_together(workers)
        redis.stop()


def by_handoff(folder: Path, tasks: int = TASKS) -> float:
    stack = production(folder)
    stack.redis.start()
    try:
        stack.redis.wait_ready()
        ledger = SyncLedger(stack.redis_url)
        for _ in range(tasks // CHUNK):
            waiting = [Submission(contract=ECHO, payload=PAYLOAD, queue=ECHO.queue.name) for _ in range(CHUNK)]
            ledger.run(calls.accept(waiting, Limits()))
        ledger.close()
        with Connection(port=stack.redis.port) as redis:
            stack.worker.start()
            return rate(lambda: int(redis.hget("handoff:stats", "system.echo succeeded") or 0), tasks)
    finally:
        stack.stop()


def in_folder(run: Run) -> float:
    with tempfile.TemporaryDirectory() as name:
        return run(Path(name))


def measure() -> Figures:
    plain, tuned = celery = [peer for peer in PEERS if peer.module == "celery"]
    celerys: dict[str, Run] = {
        plain.name: partial(by_peer, plain),
        tuned.name: partial(by_peer, tuned),
        f"{tuned.name}, append-only file": partial(by_peer, tuned, appendonly=True),
    }
    turns: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, run in {"Handoff": by_handoff, **celerys}.items():
            turns[name].append(in_folder(run))
    for peer in PEERS:
        if peer not in celery:
            turns[peer.name].append(in_folder(partial(by_peer, peer)))
    rates = {name: statistics.median(turn) for name, turn in turns.items()}
    best = max(rates[name] for name in celerys)
    return {name: {"tasks/s": rate, "of Celery": rate / best} for name, rate in rates.items()}


if __name__ == "__main__":
    alone(measure)
