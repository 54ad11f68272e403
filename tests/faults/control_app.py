"""A stock Celery application, set up as Celery's documentation advises for tasks that must not be lost."""

import os
import time
from typing import Any

from celery import Celery

SINK = os.open(os.environ["FAULTS_SINK"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

app = Celery("control", broker=os.environ["CONTROL_BROKER_URL"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    # Far shorter than anybody would dare, and swept every second: what comes back at all comes back while we wait.
    broker_transport_options={
        "visibility_timeout": 5,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
)


@app.task(bind=True)
def effect(self: Any, token: str) -> None:
    for what in ("began", "effect"):
        line = f"{what} {token} {self.request.id} {os.getpid()} {time.monotonic():.4f}\n"
        os.write(SINK, line.encode())
