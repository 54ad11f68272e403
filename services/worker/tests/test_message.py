"""The ledger writes the messages that Celery builds, and a stock Celery worker runs them."""

import json
from importlib.resources import files
from pathlib import Path

from celery import Celery
from celery.contrib.testing.worker import start_worker

from handoff_worker.celery_bridge.message import HEADERS, template
from process import wait_until

COPY = files("handoff_ledger.scripts").joinpath("message.json")
ID = "01m81m8ah6v374rb4hsz6cy8wp"


def test_the_ledgers_copy_equals_the_message_of_the_installed_celery() -> None:
    assert COPY.read_text().strip() == template(), (
        "Celery builds another message now. Read what changed, then run: "
        f"python -m handoff_worker.celery_bridge.message > {Path(str(COPY)).relative_to(Path(__file__).parents[3])}"
    )


def test_the_template_has_every_placeholder_and_no_payload() -> None:
    text = template()
    assert set(text.split("@")[1::2]) == {"id", "task", "queue", "seq", "retries"}
    message = json.loads(text.replace("@retries@", "0"))
    assert set(message["headers"]) == HEADERS
    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == ("()", "{}")


def test_an_unmodified_celery_worker_runs_the_message() -> None:
    app = Celery("stock", broker="memory://", backend="cache+memory://")
    app.conf.broker_transport_options = {"polling_interval": 0.01}
    ran: list[tuple[str, int, str]] = []

    @app.task(name="stock.task", bind=True)
    def task(self: object) -> None:
        request = getattr(self, "request")  # noqa: B009  # celery's stubs give a bound task no request
        ran.append((request.id, request.retries, request.delivery_info["routing_key"]))

    filled = COPY.read_text()
    for place, value in {"id": ID, "task": "stock.task", "queue": "celery", "seq": "17", "retries": "3"}.items():
        filled = filled.replace(f"@{place}@", value)
    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=10.0):
        with app.connection_for_write() as connection:
            getattr(connection.default_channel, "_put")("celery", json.loads(filled))  # noqa: B009  # bypasses the message builder
        assert wait_until(lambda: bool(ran), 10)
    assert ran == [(ID, 3, "celery")]
