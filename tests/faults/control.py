"""The control: the same ledger, sink and checker against stock Celery. It has to find losses."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
from celery import Celery
from redis import Redis as Connection

from process import Process, free_port, stop_together, wait_until
from stack import ROOT, Redis, clean_environment
from tests.faults.checker import Findings, check
from tests.faults.client_log import ClientLog
from tests.faults.sink import Sink

EACH = 4  # tasks of a STOP trick: two workers wait, so at least one message goes to the stopped one
BURST = 100  # tasks of a kill
QUIET_SECONDS = 12.0  # twice the visibility timeout, and more: what has not come back by then never will
LONGEST_SECONDS = 120.0


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


class Control(threading.Thread):
    """Plays on two stock workers in turn, beside whatever else is played. `findings`: None until it is over."""

    def __init__(self, folder: Path, rounds: int) -> None:
        super().__init__(daemon=True)
        folder.mkdir()
        self.findings: Findings | None = None
        self._rounds = rounds
        self._sink, self._client_log = Sink(folder / "sink"), ClientLog(folder / "client.log")
        self._redis = Redis(folder, port=free_port(), appendonly=True)
        url = f"redis://127.0.0.1:{self._redis.port}/0"
        env = {**clean_environment(), "FAULTS_SINK": str(self._sink.path), "CONTROL_BROKER_URL": url}
        env["PYTHONPATH"] = f"{ROOT}:{ROOT / 'scripts'}"
        self._workers = [Stock(name, folder, env) for name in ("stock1", "stock2")]
        self._client = Celery(broker=url, set_as_current=False)

    def start(self) -> None:
        for process in (self._redis, *self._workers):
            process.start()
        super().start()

    def run(self) -> None:
        try:
            for operation in (self._stop_trick, self._kill):
                for number in range(self._rounds):
                    self._ready()
                    worker = self._workers[number % 2]
                    operation(worker, f"control-{operation.__name__}-{number}")
                    worker.start()
            self._ready()
            self._settle()
            self.findings = check(self._client_log.entries(), self._sink)
        finally:
            self._client.close()
            stop_together(self._workers)
            self._redis.stop()
            self._client_log.close()

    def _ready(self) -> None:
        for worker in self._workers:
            worker.wait_ready()

    def _publish(self, name: str, count: int) -> None:
        for part in range(count):
            token = f"{name}-{part}"
            self._client_log.write(token, "invoked")
            answer = self._client.send_task("tests.faults.control_app.effect", args=[token], queue="celery")
            self._client_log.write(token, "ok", id=str(answer.id))

    def _stop_trick(self, worker: Stock, name: str) -> None:
        os.kill(worker.pid, signal.SIGSTOP)
        wait_until(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED, 5)
        self._publish(name, EACH)
        worker.kill()

    def _kill(self, worker: Stock, name: str) -> None:
        done = len(self._sink.refresh().done)
        self._publish(name, BURST)
        wait_until(lambda: len(self._sink.refresh().done) > done + BURST // 2, 10)
        worker.kill()

    def _settle(self) -> None:
        """Waits until nothing waits, nothing is unacked, and nothing has come for a long while."""
        began = since = time.monotonic()
        seen = -1
        with Connection(port=self._redis.port) as redis:
            while time.monotonic() - since < QUIET_SECONDS and time.monotonic() - began < LONGEST_SECONDS:
                now = len(self._sink.refresh().requests)
                if now != seen or redis.llen("celery") or redis.hlen("unacked"):
                    seen, since = now, time.monotonic()
                time.sleep(0.2)
