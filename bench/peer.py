"""The peers: what each is started with, and how its finished tasks are counted."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis as Connection

from process import Process
from stack import ROOT, answers, clean_environment

BARE = "bare route"
TUTORIAL = "tutorial"


class Server(Process):
    """An API under uvicorn, with uvloop and httptools, and without a line a request: uvicorn's fastest."""

    def __init__(self, module: str, python: Path, folder: Path, env: dict[str, str], *, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        command = [str(python), "-m", "uvicorn", f"bench.peers.{module}:app", f"--port={port}", "--no-access-log"]
        command += ["--log-level=warning", "--loop=uvloop", "--http=httptools"]
        super().__init__(module, command, folder=folder, env=env)

    def ready(self) -> bool:
        return answers(f"{self.url}/openapi.json")


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to run a queue.

    `module` in bench/peers has the API, the task and `fill`, `environment` the versions. `workers` are the commands of
    its two worker processes, in the environment's bin. `finished`: how many of `tasks` are done, from Redis's two
    databases: queues and, where it keeps them apart, results.
    """

    name: str
    module: str
    workers: list[str]
    tasks: int
    finished: Callable[[Connection, Connection, int], int]

    @property
    def bin(self) -> Path:
        return Path(sys.prefix, f"bench-{self.module}", "bin")

    def env(self, redis_port: int) -> dict[str, str]:
        url = f"redis://127.0.0.1:{redis_port}"
        return {
            **clean_environment(),
            "PYTHONPATH": str(ROOT),
            "BENCH_REDIS_URL": f"{url}/0",
            "BENCH_RESULTS_URL": f"{url}/1",
        }

    def server(self, folder: Path, redis_port: int, *, port: int) -> Server:
        return Server(self.module, self.bin / "python", folder, self.env(redis_port), port=port)

    def fill(self, folder: Path, redis_port: int) -> Process:
        """Enqueues the tasks, and ends."""
        command = [str(self.bin / "python"), "-m", "bench.peers.fill", self.module, str(self.tasks)]
        return Process("fill", command, folder=folder, env=self.env(redis_port))

    def started(self, folder: Path, redis_port: int) -> list[Process]:
        """Its workers, running."""
        env = self.env(redis_port)
        processes = []
        for number, command in enumerate(self.workers):
            program, *arguments = command.format(url=env["BENCH_REDIS_URL"]).split()
            name = f"worker{number}"
            processes.append(Process(name, [str(self.bin / program), *arguments], folder=folder, env=env, grace=5))
            processes[-1].start()
        return processes


def kept(_: Connection, results: Connection, __: int) -> int:
    """Tasks whose result is there."""
    return int(results.dbsize())


CELERY = "celery --quiet -A bench.peers.celery:celery worker --concurrency=2 --loglevel=warning"
PEERS = [
    Peer("Celery", "celery", [CELERY], 6_000, kept),
    Peer(
        "Celery, prefetch 128",
        "celery",
        [f"{CELERY} --prefetch-multiplier=128 --without-gossip --without-mingle"],
        6_000,
        kept,
    ),
    Peer(
        "rq",
        "rq",
        ["rq worker-pool --num-workers=2 --worker-class=rq.worker.SimpleWorker --quiet --url={url} default"],
        2_000,
        lambda queues, _, __: int(queues.zcard("rq:finished:default")),
    ),
    Peer(
        "arq",
        "arq",
        ["arq bench.peers.arq.WorkerSettings"] * 2,
        4_000,
        lambda queues, _, tasks: tasks - int(queues.zcard("arq:queue")),
    ),
    Peer("taskiq", "taskiq", ["taskiq worker bench.peers.taskiq:broker --workers=2 --log-level=WARNING"], 15_000, kept),
    Peer(
        "dramatiq",
        "dramatiq",
        ["dramatiq bench.peers.dramatiq --processes=2 --threads=8"],
        15_000,
        lambda queues, _, tasks: tasks - int(queues.hlen("dramatiq:default.msgs")),
    ),
]
