"""A client that does as the API asks of it: the same idempotency key again after 503, 429 and a broken connection."""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

PATIENCE_SECONDS = 120.0  # after which it gives up on a key
LONGEST_ANSWER_SECONDS = 10.0  # no answer within this is none at all
LONGEST_PAUSE_SECONDS = 0.5  # it comes back sooner than Retry-After allows: more load, not less


class Answer(NamedTuple):
    """`status` 0: the connection failed. `retry_after`: what the header said."""

    at: float
    seconds: float
    status: int
    body: Any
    retry_after: str | None


class Client:
    """One connection at a time, for one thread. With several addresses it goes to the next when one fails."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._hosts = [urlsplit(url).netloc for url in urls]
        self._connection: http.client.HTTPConnection | None = None
        self.answers: list[Answer] = []

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request, whatever comes of it."""
        at = time.monotonic()
        status, document, retry_after = 0, None, None
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._hosts[0], timeout=LONGEST_ANSWER_SECONDS)
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
        """Hands work in under an idempotency key. Gives ok and the id, failed and the status, or unknown."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        ambiguous = False
        while True:
            answer = self.ask("POST", path, body, {"Idempotency-Key": key})
            if answer.status in (200, 202):
                return "ok", str(answer.body["id"])
            if answer.status not in (0, 429, 503):
                return "failed", str(answer.status)
            ambiguous = ambiguous or answer.status != 429  # it may have been accepted all the same
            if time.monotonic() > deadline:
                return ("unknown", "-") if ambiguous else ("failed", "429")
            time.sleep(min(float(answer.retry_after or 0.1), LONGEST_PAUSE_SECONDS))

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None
