"""A worker that is partly busy when Redis goes: with kombu 5.7.0's ack emulation it exits, so Handoff has it off.

What survives in `test_worker_process` would not with the emulation on. This is the control.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from celery import Celery

from handoff_worker.celery_bridge.app import app
from process import Process, free_port, wait_until
from stack import ROOT, Redis, clean_environment

MENDED = version("kombu") != "5.7.0"  # later versions are untested
COMMAND = [
    sys.executable,
    "-m",
    "celery",
    "-A",
    "tests.integration.worker.lab.stock",
    "worker",
    "--concurrency=2",
    "--loglevel=info",
]


@pytest.mark.parametrize("emulation", ["on", "off"])
def test_a_restart_of_redis_ends_a_stock_worker(emulation: str, tmp_path: Path) -> None:
    redis = Redis(tmp_path, port=free_port(), appendonly=True)
    url, running = f"redis://127.0.0.1:{redis.port}/0", tmp_path / "running"
    env = {**clean_environment(), "BROKER": url, "ACK_EMULATION": emulation, "PYTHONPATH": str(ROOT)}
    worker = Process("stock", [*COMMAND, "--without-gossip", "--without-mingle"], folder=tmp_path, env=env)

    def said(words: str) -> int:
        return worker.log.read_text().count(words)

    try:
        redis.start()
        redis.wait_ready()
        worker.start()
        with Celery(broker=url, set_as_current=False) as client:
            client.send_task("busy", [str(running)])
        assert wait_until(running.exists, 60), worker.log.read_text()
        redis.kill()
        assert wait_until(lambda: said("to broker lost") + said("Unrecoverable error") > 0, 30)
        redis.start()
        redis.wait_ready()
        assert wait_until(lambda: said("Connected to") > 1 or said("Unrecoverable error") > 0, 30)
        assert (said("Unrecoverable error") == 0) is (emulation == "off" or MENDED), worker.log.read_text()
    finally:
        worker.kill()
        redis.stop()


def test_handoff_has_it_off() -> None:
    assert app.conf.broker_transport_options["ack_emulation"] is False
