"""A client for server-sent events."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2


class Event(NamedTuple):
    name: str
    id: str
    data: dict[str, Any]


def events(response: httpx2.Response) -> Iterator[Event]:
    """Yield the events of an open response until the server ends the response."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        name, _, value = line.partition(":")
        if line and name:
            fields[name] = value.strip()
        elif not line and "data" in fields:
            yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}
