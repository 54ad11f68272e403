"""`python -m handoff_flower`: Flower, with a login and read-only."""

import os
import secrets
import sys

from celery import Celery
from kombu import Queue

from handoff_contracts import QUEUES
from handoff_flower.options import options, without_login
from handoff_flower.settings import Settings
from handoff_ledger.settings import load


def main() -> None:
    settings = load(Settings)
    # Flower reads its options from the environment, and what an operator set there wins.
    os.environ |= {name: value for name, value in options(settings).items() if not os.environ.get(name)}
    if without_login(settings):
        password = secrets.token_urlsafe(12)
        os.environ["FLOWER_BASIC_AUTH"] = f"admin:{password}"
        sys.stderr.write(f"handoff: FLOWER_BASIC_AUTH is not set; until the next start the login is admin:{password}\n")
    app = Celery("handoff", broker=settings.broker_url, backend=settings.broker_url)
    app.conf.update(
        task_queues=[Queue(name, routing_key=name) for name in QUEUES],
        task_default_queue="default",
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_timeout": 10, "socket_connect_timeout": 3, "socket_keepalive": True},
    )
    app.start(["flower", *sys.argv[1:]])


if __name__ == "__main__":
    main()
