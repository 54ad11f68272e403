"""Builds the template of a task's message with Celery itself, and leaves out the empty headers.

`python -m handoff_worker.celery_bridge.message` prints the template. The ledger's scripts fill in `@id@`, `@task@`,
`@queue@`, `@seq@` and `@retries@`. A test compares the ledger's copy with the output
of the installed Celery.
"""

import base64
import json
import sys
from typing import Any

from celery import Celery

HEADERS = {"argsrepr", "group", "id", "ignore_result", "kwargsrepr", "lang", "parent_id", "retries", "root_id", "task"}
RETRIES = 1_234_567  # a number in place of `@retries@` while Celery builds the message


def template() -> str:
    """Returns Celery's message of a task without arguments, as JSON with placeholders."""
    app = Celery("handoff", broker="memory://", set_as_current=False)
    with app.connection_for_write() as connection, connection.channel() as channel:
        options: dict[str, Any] = {
            "queue": "@queue@",
            "retries": RETRIES,
            "ignore_result": True,
            "connection": connection,
        }
        app.send_task("@task@", task_id="@id@", **options)
        message: dict[str, Any] = getattr(channel, "_get")("@queue@")  # noqa: B009  # the message as the transport stores it
    message["headers"] = {name: value for name, value in message["headers"].items() if _is_needed(name, value)}
    message["body"] = base64.b64encode(_json(_body(message["body"])).encode()).decode()
    message["properties"] |= {"delivery_tag": "@queue@-@seq@", "reply_to": ""}
    return _json(message).replace(str(RETRIES), "@retries@")


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _body(encoded: str) -> list[Any]:
    args, kwargs, embedded = json.loads(base64.b64decode(encoded))
    return [args, kwargs, {name: value for name, value in embedded.items() if value is not None}]


def _is_needed(header: str, value: object) -> bool:
    # Celery's worker requires these two headers. `origin` names the process that built the message.
    return header in {"parent_id", "group"} or (header != "origin" and value not in (None, [], [None, None], {}, 0))


if __name__ == "__main__":
    sys.stdout.write(template() + "\n")
