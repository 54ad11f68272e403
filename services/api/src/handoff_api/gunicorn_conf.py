"""gunicorn's configuration: `gunicorn -c python:handoff_api.gunicorn_conf 'handoff_api.app:create_app()'`."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from handoff_api.server import GRACE_SECONDS, Worker
from handoff_api.settings import Settings
from handoff_common.logs import configure
from handoff_common.settings import load

settings = load(Settings)
configure(settings.log_level, development=settings.development)

host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
bind = f"{host}:{settings.api_port}"
workers = settings.web_concurrency
worker_class = Worker
loglevel = "warning"
keepalive = settings.api_keep_alive
graceful_timeout = GRACE_SECONDS
timeout = 30
control_socket_disable = True  # its file would lie in the home directory
memory = Path("/dev/shm")  # noqa: S108  # a heartbeat's file there never waits for a disk
worker_tmp_dir = str(memory) if memory.is_dir() else None
counts = None
if workers > 1:  # every process writes what it counted into files that /metrics adds up
    counts = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="handoff-metrics-", dir=worker_tmp_dir)


def on_starting(arbiter: Any) -> None:
    """Refuses a Redis that can't serve until somebody changes a setting. The pulse waits for one that is away."""
    arbiter.log.error_log.handlers.clear()  # to the root's handler, like everything else
    arbiter.log.error_log.propagate = True
    settings.redis_requirements.exit_if_misconfigured()


def on_exit(_: Any) -> None:
    if counts:
        shutil.rmtree(counts, ignore_errors=True)
