"""The control: the same ledger, sink and checker against stock Celery. It has to find losses."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
from celery import Celery
from redis import Redis as Connection

from process import Process, free_port, stop_together, wait_until
from stack import ROOT, Redis, clean_environment
from tests.faults.book import Book
from tests.faults.checker import Findings, check
from tests.faults.sink import Sink

EACH = 4  # tasks a round: two workers wait, so at least one message goes to the stopped one
QUIET_S = 12.0  # twice the visibility timeout, and more: what has not come back by then never will
LONGEST_S = 120.0


class Stock(Process):
    """A stock Celery worker."""

    def __init__(self, name: str, folder: Path, env: dict[str, str]) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tests.faults.control_app", "worker", "-n", f"{name}@%h"]
        super().__init__(name, [*command, "--concurrency=2", "--loglevel=info"], folder=folder, env=env, grace=15)
        self._said = 0

    def start(self) -> None:
        self._said = self.log.stat().st_size if self.log.exists() else 0
        super().start()

    def ready(self) -> bool:
        return " ready." in self.log.read_text(errors="replace")[self._said :]


def control(folder: Path, rounds: int) -> Findings:
    """Plays the STOP trick on two stock workers in turn. Gives what the checker found when all had settled."""
    folder.mkdir()
    sink, book = Sink(folder / "sink"), Book(folder / "book")
    redis = Redis(folder, port=free_port(), appendonly=True)
    url = f"redis://127.0.0.1:{redis.port}/0"
    env = {**clean_environment(), "FAULTS_SINK": str(sink.path), "CONTROL_BROKER_URL": url}
    env["PYTHONPATH"] = f"{ROOT}:{ROOT / 'scripts'}"
    workers = [Stock(name, folder, env) for name in ("stock1", "stock2")]
    client = Celery(broker=url, set_as_current=False)
    try:
        redis.start()
        redis.wait_ready()
        for worker in workers:
            worker.start()
        for number in range(rounds):
            for worker in workers:
                worker.wait_ready(60)
            trick(workers[number % 2], client, book, [f"control-{number}-{part}" for part in range(EACH)])
        for worker in workers:
            worker.wait_ready(60)
        with Connection(port=redis.port) as connection:
            settle(connection, sink)
        return check(book.entries(), sink)
    finally:
        client.close()
        stop_together(workers)
        redis.stop()
        book.close()


def trick(worker: Stock, client: Celery, book: Book, tokens: list[str]) -> None:
    """STOP the parent, publish, KILL, start another."""
    os.kill(worker.pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED, 5)
    for token in tokens:
        book.write(token, "invoked")
        answer = client.send_task("tests.faults.control_app.effect", args=[token], queue="celery")
        book.write(token, "ok", id=str(answer.id))
    worker.kill()
    worker.start()


def settle(redis: Connection, sink: Sink) -> None:
    """Waits until nothing waits, nothing is unacked, and nothing has come for a long while."""
    began = since = time.monotonic()
    seen = -1
    while time.monotonic() - since < QUIET_S and time.monotonic() - began < LONGEST_S:
        now = len(sink.refresh().requests)
        if now != seen or redis.llen("celery") or redis.hlen("unacked"):
            seen, since = now, time.monotonic()
        time.sleep(0.2)
