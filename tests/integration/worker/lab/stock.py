"""A stock Celery worker with late acknowledgements, with or without kombu's ack emulation."""

import os
import time
from pathlib import Path

from celery import Celery

app = Celery("stock", broker=os.environ["BROKER"])
app.conf.update(
    broker_connection_max_retries=None,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"ack_emulation": os.environ["ACK_EMULATION"] == "on"},
    task_acks_late=True,
)


@app.task(name="busy")
def busy(running: str) -> None:
    """Leaves a file and works on."""
    Path(running).touch()
    time.sleep(60)  # it is killed before
