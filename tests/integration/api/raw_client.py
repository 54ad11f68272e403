"""An HTTP client that sends any bytes, because no library checks them."""

import json
import socket
from http.client import HTTPResponse
from typing import Any, NamedTuple


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int, method: str, target: bytes, headers: dict[str, bytes] | None = None, body: bytes | None = None
) -> Answer:
    """Send one request on a new connection. The body of an event stream is not read."""
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target), b"Host: test", b"Connection: close"]
    lines += [b"%b: %b" % (name.encode(), value) for name, value in (headers or {}).items()]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""))
        with HTTPResponse(connection) as response:
            response.begin()
            names = {name.lower(): value for name, value in response.getheaders()}
            stream = names.get("content-type", "").startswith("text/event-stream")
            return Answer(response.status, names, b"" if stream else response.read())
