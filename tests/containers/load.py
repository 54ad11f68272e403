"""A load for the time in which something is broken, and what became of it: each push leaves a line in a log."""

import itertools
import threading
from pathlib import Path
from typing import Self

from tests.containers.host import Host, KeyClient
from tests.faults.checker import Findings, check
from tests.faults.client_log import ClientLog
from tests.faults.sink import Sink

THREADS = 4
BATCH = 50  # items
PAUSE_SECONDS = 0.2
SENTENCE = "Successfully sent push notification to: "


class Load:
    """As a context manager: submits single pushes and batches from threads until the block is left.

    What was asked and answered is in `book`, on this machine. A client repeats under the same idempotency key until it
    has an answer.
    """

    def __init__(self, host: Host, name: str, folder: Path) -> None:
        self.book = ClientLog(folder / "book")
        self._host, self._name, self._folder = host, name, folder
        self._numbers = itertools.count()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def _run(self) -> None:
        with self._host.client() as client:
            while not self._stopped.wait(PAUSE_SECONDS):
                number = next(self._numbers)
                self.submit(client, f"{self._name}-{number}", BATCH if number % 10 == 0 else 0)

    def submit(self, client: KeyClient, key: str, items: int) -> str:
        """A single push, or a batch of so many. Returns the id that the API gave it."""
        self.book.write(key, "invoked", items)
        if items:
            status, id = client.submit(
                key, "/v1/batches/push.send", {"items": [{"token": f"{key}.{item}"} for item in range(items)]}
            )
        else:
            status, id = client.submit(key, "/v1/tasks/push.send", {"token": key})
        self.book.write(key, status, items, id)
        return id

    @property
    def accepted(self) -> int:
        return sum(entry.status == "ok" for entry in self.book.entries().values())

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def findings(self) -> Findings:
        """What was asked, held against the log. A line more for the same token counts as repeated."""
        mine = [line.removeprefix(SENTENCE) for line in self._host.clone.notifications() if f" {self._name}" in line]
        log = self._folder / "log"
        log.write_text("".join(f"began {token} - 0 0\neffect {token} - 0 0\n" for token in mine))
        return check(self.book.entries(), Sink(log))

    def unfinished(self, client: KeyClient) -> list[str]:
        """What was accepted and has not ended, as the API tells it."""
        paths = {
            entry.key: f"/v1/{'batches' if entry.items else 'tasks'}/{entry.id}"
            for entry in self.book.entries().values()
            if entry.status == "ok"
        }
        return [key for key, path in paths.items() if not client.look(path).get("finished_at")]
