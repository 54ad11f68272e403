"""`python -m handoff_flower`: starts Flower read-only and behind a login."""

import os
import secrets
import sys

from celery import Celery
from kombu import Queue

from handoff_common.connections import celery_connection
from handoff_common.settings import load
from handoff_contracts import QUEUES
from handoff_flower import queue_broker
from handoff_flower.options import flower_environment, needs_login
from handoff_flower.settings import Settings


def main() -> None:
    settings = load(Settings)
    # Flower reads its options from the environment, where a variable that an operator set takes precedence.
    os.environ |= {name: value for name, value in flower_environment(settings).items() if not os.environ.get(name)}
    if needs_login(settings):
        password = secrets.token_urlsafe(12)
        os.environ["FLOWER_BASIC_AUTH"] = f"admin:{password}"
        sys.stderr.write(f"handoff: FLOWER_BASIC_AUTH is not set; until the next start the login is admin:{password}\n")
    broker = celery_connection(settings.broker_url)
    app = Celery("handoff")
    app.backend_cls = broker.url
    app.conf.update(
        broker_read_url=broker.url,  # both URLs, because their default is CELERY_BROKER_URL as the environment has it
        broker_write_url=broker.url,
        task_queues=[Queue(name, routing_key=name) for name in QUEUES],
        task_default_queue="default",
        broker_connection_retry_on_startup=True,
        broker_transport_options={**broker.transport, "ack_emulation": False},  # Flower reads events and never acks
        broker_use_ssl=broker.ssl,
        redis_backend_use_ssl=broker.ssl,
        result_backend_transport_options=broker.transport,
    )
    queue_broker.install(settings.broker_url)
    app.start(["flower", *sys.argv[1:]])


if __name__ == "__main__":
    main()
