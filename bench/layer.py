"""What does the HTTP layer cost? `python -m bench.layer`; with `--before COMMIT` also: did the accept rate change?

Four APIs serve at once and take turns: this one, the same on uvicorn's own httptools and h11 protocols, and the API of
the commit. wrk posts one push by 32 connections. Each round takes them in a random order, so that none always follows
the same other one. The ratios are medians of the rounds. Other programs on the machine disturb the rate more than the
API's CPU for an answer.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from redis import Redis as Connection

from bench.accept import BODY, PATH
from bench.figures import figures_table
from bench.handoff import HEADERS, SETTINGS
from bench.wrk import post
from handoff_api.server import SERVER, GunicornWorker
from process import free_port
from stack import ROOT, Api, Redis, clean_environment

OURS = "this layer"
SOURCES = ("packages/contracts/src", "packages/ledger/src", "services/api/src")


HTTPTOOLS = {**SERVER, "http": "httptools"}
H11 = {**SERVER, "http": "h11"}


class HttptoolsWorker(GunicornWorker):
    """The API's gunicorn worker on uvicorn's own protocol."""

    CONFIG_KWARGS = HTTPTOOLS


class H11Worker(GunicornWorker):
    """The API's gunicorn worker on uvicorn's protocol in pure Python."""

    CONFIG_KWARGS = H11


class Turns:
    """The rates of one API, and the CPU in microseconds that it took for each answer."""

    def __init__(self, folder: Path, redis: Redis, *, worker: str = "", root: Path = ROOT) -> None:
        folder.mkdir()
        path = ":".join([*(str(root / source) for source in SOURCES), str(ROOT), str(ROOT / "scripts")])
        env = {**clean_environment(), **SETTINGS, "PYTHONPATH": path}
        env["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{redis.port}/0"
        self.api = Api(folder, env, port=free_port())
        if worker:
            self.api.command += ["--worker-class", worker]
        self.port = redis.port
        self.rates: list[float] = []
        self.cpu: list[float] = []

    def take(self, seconds: int) -> None:
        """Measures one turn, on a Redis without tasks."""
        with Connection(port=self.port) as connection:
            connection.execute_command("FLUSHALL", "SYNC")
        began = self._cpu()
        load = post(f"{self.api.url}{PATH}", BODY, seconds, HEADERS)
        self.rates.append(load.rate)
        self.cpu.append((self._cpu() - began) / (load.rate * seconds) * 1e6)

    def _cpu(self) -> float:
        (worker,) = psutil.Process(self.api.pid).children()
        times = worker.cpu_times()
        return times.user + times.system


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """A work tree of the commit."""
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", folder, commit], cwd=ROOT, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)


def measure(rounds: int, seconds: int, before: str) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stop:
        folder = Path(name)
        redis = Redis(folder, port=free_port(), appendonly=True)
        turns = {
            OURS: Turns(folder / "ours", redis),
            "uvicorn, httptools": Turns(folder / "httptools", redis, worker="bench.layer.HttptoolsWorker"),
            "uvicorn, h11": Turns(folder / "h11", redis, worker="bench.layer.H11Worker"),
        }
        if before:
            root = stop.enter_context(checked_out(before, folder / "tree"))
            turns[before] = Turns(folder / "before", redis, root=root)
        for process in (redis, *(each.api for each in turns.values())):
            stop.callback(process.stop)
            process.start()
            process.wait_ready()
        for _ in range(rounds + 1):
            for each in random.sample(list(turns.values()), len(turns)):
                each.take(seconds)
    return {name: row(each, turns[OURS]) for name, each in turns.items()}


def row(turns: Turns, ours: Turns) -> dict[str, float]:
    """The medians without the first round, which warms up."""
    pairs = list(zip(turns.rates, ours.rates, turns.cpu, ours.cpu, strict=True))[1:]
    return {
        "requests/s": statistics.median(turns.rates[1:]),
        "CPU us": statistics.median(turns.cpu[1:]),
        "rate of this": statistics.median(rate / our for rate, our, _, _ in pairs),
        "CPU of this": statistics.median(cpu / our for _, _, cpu, our in pairs),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", default="", metavar="COMMIT", help="an older commit to compare with")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    print(figures_table("accept", measure(arguments.rounds, arguments.seconds, arguments.before)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
