"""What do the processes take? `python -m bench.footprint`

Seconds from exec to ready; memory after work: the RSS of the API's largest process, of a worker's parent and of its
largest pool process, and what the machine gives for all of each (PSS, where shared pages count once); CPU of a worker
that has nothing to do, all of its processes, over 20 s; seconds from a save to ready again under `make dev`.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
import psutil
from redis import Redis as Connection

from bench.figures import Figures, alone
from bench.handoff import HEADERS, production
from process import NotReady, Process, free_port, wait_until
from tests.acceptance.checkout import Checkout

TASKS = 500
IDLE_SECONDS = 20.0
MIB = 1 << 20
SOURCES = {"API": ("api", "api/src/handoff_api/app.py"), "worker": ("worker1", "worker/src/handoff_worker/task.py")}


def start(process: Process) -> float:
    """Seconds from exec to ready."""
    began = time.monotonic()
    process.start()
    process.wait_ready()
    return time.monotonic() - began


def tree(process: Process) -> list[psutil.Process]:
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def rss(processes: Sequence[psutil.Process]) -> float:
    """MiB of the largest."""
    return float(max(process.memory_info().rss for process in processes) / MIB)


def pss(processes: Sequence[psutil.Process]) -> float:
    """MiB of all."""
    return float(sum(process.memory_full_info().pss for process in processes) / MIB)


def cpu_s(process: Process) -> float:
    times = [each.cpu_times() for each in tree(process)]
    return sum(each.user + each.system for each in times)


def idle(process: Process) -> float:
    """Percent of one core."""
    before = cpu_s(process)
    time.sleep(IDLE_SECONDS)
    return (cpu_s(process) - before) / IDLE_SECONDS * 100


def running() -> Figures:
    with tempfile.TemporaryDirectory() as name:
        stack = production(Path(name))
        try:
            start(stack.redis)
            figures: Figures = {"API": {"start s": start(stack.api)}, "worker": {"start s": start(stack.worker)}}
            with httpx2.Client(base_url=stack.api.url, headers=HEADERS, trust_env=False) as client:
                for _ in range(TASKS):
                    client.post("/v1/tasks/system.echo", json={"message": "hello"}).raise_for_status()
            with Connection(port=stack.redis.port) as redis:
                if not wait_until(lambda: redis.hget("handoff:stats", "system.echo succeeded") == b"%d" % TASKS, 30):
                    raise NotReady("The tasks were not run within 30 s")
            api, (parent, *pool) = tree(stack.api), tree(stack.worker)
            figures["API"] |= {"RSS MiB": rss(api), "all PSS MiB": pss(api)}
            figures["worker"] |= {"RSS MiB": rss([parent]), "all PSS MiB": pss([parent, *pool])}
            figures["pool process"] = {"RSS MiB": rss(pool)}
            figures["worker"]["idle CPU %"] = idle(stack.worker)
        finally:
            stack.stop()
    return figures


def reloads() -> dict[str, float]:
    """Seconds from a save to ready, by part."""
    with tempfile.TemporaryDirectory() as name:
        checkout = Checkout.into(Path(name))
        ports = {"HANDOFF_API_PORT": str(free_port()), "HANDOFF_FLOWER_PORT": str(free_port())}
        command = [sys.executable, str(checkout.folder / "scripts/dev.py")]
        dev = Process("dev", command, folder=checkout.folder, env={**checkout.env, **ports}, grace=20)

        def says(text: str) -> float:
            if not wait_until(lambda: text in dev.log.read_text(), 30):
                raise NotReady(f"`make dev` did not say {text!r}: {dev.log.read_text()[-2000:]}")
            return time.monotonic()

        dev.start()
        try:
            says("Ctrl-C stops everything")
            took = {}
            for part, (process, file) in SOURCES.items():
                source = checkout.folder / "services" / file
                began = time.monotonic()
                source.write_text(source.read_text() + "\n")
                took[part] = says(f"{process} is ready") - began
            return took
        finally:
            dev.stop()


def measure() -> Figures:
    figures = running()
    for part, took in reloads().items():
        figures[part]["reload s"] = took
    return figures


if __name__ == "__main__":
    alone(measure)
