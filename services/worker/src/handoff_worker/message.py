"""The template of a task's message, as Celery's own builder makes it.

`python -m handoff_worker.message` prints it; the ledger's scripts fill in `@id@`, `@task@`, `@queue@`, `@seq@` and
`@retries@`. A test compares the ledger's copy with what the installed Celery builds.
"""

import json
import sys
from typing import Any

from celery import Celery

HEADERS = {"argsrepr", "group", "id", "ignore_result", "kwargsrepr", "lang", "parent_id", "retries", "root_id", "task"}
RETRIES = 1_234_567  # stands where a number has to


def template() -> str:
    """Celery's message of a task without arguments, less the headers that say nothing."""
    app = Celery("handoff", broker="memory://", set_as_current=False)
    with app.connection_for_write() as connection, connection.channel() as channel:
        options: dict[str, Any] = {
            "queue": "@queue@",
            "retries": RETRIES,
            "ignore_result": True,
            "connection": connection,
        }
        app.send_task("@task@", task_id="@id@", **options)
        message: dict[str, Any] = getattr(channel, "_get")("@queue@")  # noqa: B009  # the transport's own form of it
    message["headers"] = {name: value for name, value in message["headers"].items() if _says(name, value)}
    message["properties"] |= {"delivery_tag": "@queue@-@seq@", "reply_to": ""}
    return json.dumps(message, separators=(",", ":"), sort_keys=True).replace(str(RETRIES), "@retries@")


def _says(header: str, value: object) -> bool:
    # `origin` would name the process that ran this; these two are read without a default by the worker.
    return header in {"parent_id", "group"} or (header != "origin" and value not in (None, [], [None, None], {}, 0))


if __name__ == "__main__":
    sys.stdout.write(template() + "\n")
