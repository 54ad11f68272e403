"""A client that repeats a request with the same idempotency key after 503, 429 and a broken connection."""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

GIVE_UP_SECONDS = 120.0  # the client gives up on a key after this time
REQUEST_TIMEOUT_SECONDS = 10.0  # timeout of one request
MAX_PAUSE_SECONDS = 0.5  # shorter than Retry-After, for more load


class Answer(NamedTuple):
    """`status` 0: the connection failed. `retry_after`: the header's value."""

    at: float
    seconds: float
    status: int
    body: Any
    retry_after: str | None


class Client:
    """One connection, for one thread. With several addresses it uses the next one after a failure."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._hosts = [urlsplit(url).netloc for url in urls]
        self._connection: http.client.HTTPConnection | None = None
        self.answers: list[Answer] = []

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request and return its answer. A failed connection has status 0."""
        at = time.monotonic()
        status, document, retry_after = 0, None, None
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._hosts[0], timeout=REQUEST_TIMEOUT_SECONDS)
            data = None if body is None else json.dumps(body)
            sent = {"Content-Type": "application/json"} if data else {}
            self._connection.request(method, path, data, {**sent, **(headers or {})})
            response = self._connection.getresponse()
            text = response.read()
            status, retry_after = response.status, response.getheader("Retry-After")
            document = json.loads(text) if text else None
            if response.will_close:
                self.close()
        except (OSError, http.client.HTTPException, ValueError):
            status = 0
            self.close()
            self._hosts = [*self._hosts[1:], self._hosts[0]]
        answer = Answer(at, time.monotonic() - at, status, document, retry_after)
        self.answers.append(answer)
        return answer

    def submit(self, key: str, path: str, body: object) -> tuple[str, str]:
        """Submit a task or batch under an idempotency key. Return ok and the id, failed and the status, or unknown."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        ambiguous = False
        while True:
            answer = self.ask("POST", path, body, {"Idempotency-Key": key})
            if answer.status in (200, 202):
                return "ok", str(answer.body["id"])
            if answer.status not in (0, 429, 503):
                return "failed", str(answer.status)
            ambiguous = ambiguous or answer.status != 429  # the API may have accepted it
            if time.monotonic() > deadline:
                return ("unknown", "-") if ambiguous else ("failed", "429")
            time.sleep(min(float(answer.retry_after or 0.1), MAX_PAUSE_SECONDS))

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None
