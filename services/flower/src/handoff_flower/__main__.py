"""`python -m handoff_flower`: Flower, with a login and read-only."""

import os
import secrets
import sys

from celery import Celery
from kombu import Queue

from handoff_common.connect import celery_connection
from handoff_common.settings import load
from handoff_contracts import QUEUES
from handoff_flower import queue_broker
from handoff_flower.options import options, without_login
from handoff_flower.settings import Settings


def main() -> None:
    settings = load(Settings)
    # Flower reads its options from the environment, and what an operator set there wins.
    os.environ |= {name: value for name, value in options(settings).items() if not os.environ.get(name)}
    if without_login(settings):
        password = secrets.token_urlsafe(12)
        os.environ["FLOWER_BASIC_AUTH"] = f"admin:{password}"
        sys.stderr.write(f"handoff: FLOWER_BASIC_AUTH is not set; until the next start the login is admin:{password}\n")
    broker = celery_connection(settings.broker_url)
    app = Celery("handoff")
    app.backend_cls = broker.url
    app.conf.update(
        broker_read_url=broker.url,  # these two, for Celery takes CELERY_BROKER_URL for the one that both default to
        broker_write_url=broker.url,
        task_queues=[Queue(name, routing_key=name) for name in QUEUES],
        task_default_queue="default",
        broker_connection_retry_on_startup=True,
        broker_transport_options={**broker.transport, "ack_emulation": False},  # it reads events, and acknowledges none
        broker_use_ssl=broker.ssl,
        redis_backend_use_ssl=broker.ssl,
        result_backend_transport_options=broker.transport,
    )
    queue_broker.install(settings.broker_url)
    app.start(["flower", *sys.argv[1:]])


if __name__ == "__main__":
    main()
