"""Sends mails as a pool process does: a task in the ledger, run by an executor with `email.send`'s own handler."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from redis import Redis as Client

from handoff_contracts.tasks.email_send import EMAIL_SEND
from handoff_ledger import SyncLedger, Task, calls
from handoff_ledger.calls.channels import ChannelHold
from handoff_worker.binding import Binding
from handoff_worker.execution.executor import Executor
from handoff_worker.execution.run_result import RunResult
from handoff_worker.handlers.email_send import email_send
from handoff_worker.resources import Resources
from handoff_worker.settings import Settings
from tests.integration.worker.bench import LIMITS, Bench

PASSWORD = "5ecret-password"
SENDER = "Shop <shop@shop.example>"
READER = "reader@mail.example"
# The contract's own policy, but for the wait between two attempts.
QUICK = replace(EMAIL_SEND, policy=replace(EMAIL_SEND.policy, backoff=0.05))


class Post:
    """A worker's post office. `app` says by which server mails go."""

    def __init__(self, redis_url: str, redis: Client, folder: Path) -> None:
        self.bench = Bench(redis_url)
        self.contract = QUICK
        self.apps = folder / "apps"
        self.blobs = folder / "blobs"
        self.apps.mkdir()
        self.blobs.mkdir()
        self._redis = redis
        ledger = SyncLedger(redis_url)
        self.resources = Resources.open(Settings(apps_dir=self.apps, blob_dir=self.blobs), ledger)
        self._executor = Executor(ledger, LIMITS, self.resources, "this worker", lambda: False)

    def app(self, port: int, **fields: Any) -> None:
        app = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER, "timeout": 5, **fields}
        (self.apps / "smtp.default.json").write_text(json.dumps(app, default=str))

    def send(self, **mail: Any) -> tuple[str, RunResult]:
        """Sends a mail; gives its task's id and how the attempt ended."""
        id = self.bench.accept(self.contract, {"to": READER, "text": "Hello", **mail})
        return id, self.run(id)

    def send_all(self, common: dict[str, Any], items: Sequence[dict[str, Any]]) -> tuple[str, RunResult]:
        """Sends a batch of one pack; gives its id and how the attempt ended."""
        batch = self.bench.accept_batch(self.contract, common, items)
        return batch, self.run(f"{batch}.0")

    def run(self, id: str) -> RunResult:
        return self._executor.run(Binding(self.contract, email_send, asynchronous=True), id)

    def again(self, id: str) -> RunResult:
        """The next attempt, once it is due."""
        assert self.bench.due_again(id)
        return self.run(id)

    def task(self, id: str) -> Task:
        return self.bench.task(id)

    def holds(self) -> list[ChannelHold]:
        return self.bench.ledger.run(calls.holds())

    def release(self) -> None:
        """Ends the holds of channels, and the snooze of their tasks."""
        self._redis.delete("handoff:holds")

    def gone(self) -> list[tuple[str, str, str]]:
        """Channel, recipient and task of each that is gone."""
        entries, _ = self.bench.ledger.run(calls.list_gone(10))
        return [(entry.channel, entry.recipient, entry.task) for entry in entries]

    def close(self) -> None:
        self._executor.close()
        self.bench.close()
