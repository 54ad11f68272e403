"""gunicorn's configuration: `gunicorn -c python:handoff_api.gunicorn_conf 'handoff_api.app:create_app()'`."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from handoff_api.server import GRACE_SECONDS, GunicornWorker
from handoff_api.settings import Settings
from handoff_common.logs import configure
from handoff_common.settings import load

settings = load(Settings)
configure(settings.log_level, development=settings.development)

host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
bind = f"{host}:{settings.api_port}"
workers = settings.web_concurrency
worker_class = GunicornWorker
loglevel = "warning"
keepalive = settings.api_keep_alive
graceful_timeout = GRACE_SECONDS
timeout = 30
control_socket_disable = True  # gunicorn would create the socket's file in the home directory
memory = Path("/dev/shm")  # noqa: S108  # writing gunicorn's heartbeat file there never waits for a disk
worker_tmp_dir = str(memory) if memory.is_dir() else None
metrics_folder = None
if workers > 1:  # every process writes its metrics to files, and /metrics adds them up
    metrics_folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(
        prefix="handoff-metrics-", dir=worker_tmp_dir
    )


def on_starting(arbiter: Any) -> None:
    """Exit when waiting for Redis cannot help. If Redis is only away, the API starts and waits."""
    arbiter.log.error_log.handlers.clear()  # the root logger's handler formats gunicorn's lines too
    arbiter.log.error_log.propagate = True
    settings.redis_requirements.exit_if_misconfigured()


def on_exit(_: Any) -> None:
    if metrics_folder:
        shutil.rmtree(metrics_folder, ignore_errors=True)
