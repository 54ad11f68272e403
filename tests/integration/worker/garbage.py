"""Entries of a queue's list that are not valid messages of a task."""

import base64
import json
from importlib.resources import files
from typing import Any

PLANTED = "pl4nted-in-a-message"


def message(**changes: Any) -> str:
    """Returns the message of a task that was never accepted, with changes."""
    text = files("handoff_ledger.scripts").joinpath("message.json").read_text()
    for place, value in {"id": "7" * 26, "task": "system.echo", "queue": "default", "seq": "0", "retries": "0"}.items():
        text = text.replace(f"@{place}@", value)
    built: dict[str, Any] = json.loads(text)
    headers = changes.pop("with_headers", {})
    built |= {name.replace("_", "-"): value for name, value in changes.items()}
    if headers:
        built["headers"] |= headers
    return json.dumps({name: value for name, value in built.items() if value != "left out"})


def body(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


GARBAGE: dict[str, str | bytes] = {
    "not JSON": f"{{{PLANTED}",
    "no text": b"\xff\xfe" + PLANTED.encode(),
    "deep JSON": "[" * 100_000,
    "a list": json.dumps([PLANTED]),
    "a string": json.dumps(PLANTED),
    "a number": "7",
    "null": "null",
    "an empty object": "{}",
    "no headers": message(headers="left out"),
    "null headers": message(headers=None),
    "text for headers": message(headers=PLANTED),
    "no task": message(headers={"id": PLANTED}),
    "no id": message(headers={"task": "system.echo"}),
    "a list for an id": message(headers={"task": "system.echo", "id": []}),
    "an object for a task": message(headers={"task": {"name": PLANTED}, "id": PLANTED}),
    "no properties": message(properties="left out"),
    "no delivery tag": message(properties={}),
    "text for properties": message(properties=PLANTED),
    "pickle": message(content_type="application/x-python-serialize", body=body(PLANTED)),
    "an unknown content type": message(content_type=f"application/{PLANTED}"),
    "an unknown encoding": message(content_encoding=PLANTED),
    "an unknown compression": message(with_headers={"compression": PLANTED}),
    "a body that is no base64": message(body=PLANTED),
    "a body that is no JSON": message(body=body(PLANTED)),
    "a body that is no list": message(body=body(json.dumps(PLANTED))),
    "arguments": message(body=body(json.dumps([[PLANTED], {}, {}]))),
    "a wrong retry": message(with_headers={"retries": PLANTED, "group": {"id": PLANTED}, "root_id": [PLANTED]}),
    "a wrong date": message(with_headers={"eta": PLANTED}),
    "a wrong expiry": message(with_headers={"expires": PLANTED}),
    "wrong time limits": message(with_headers={"timelimit": PLANTED}),
    "the first protocol": message(
        headers={}, body=body(json.dumps({"task": "system.echo", "id": "7", "args": [PLANTED]}))
    ),
}
