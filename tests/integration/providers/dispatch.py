"""Notifications sent as a pool process sends them: packs of `push.send` on a real ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handoff_contracts.tasks.push_send import PUSH_SEND
from handoff_ledger import State, SyncLedger, calls
from handoff_ledger.calls.items import list_items
from handoff_ledger.records import Item
from handoff_worker.binding import Binding
from handoff_worker.execution.executor import Executor
from handoff_worker.handlers.push_send import push_send
from handoff_worker.resources import Resources
from handoff_worker.settings import Settings
from tests.integration.worker.bench import LIMITS, Bench

RUNS = 20  # of a pack, at most
CONTRACT = replace(PUSH_SEND, policy=replace(PUSH_SEND.policy, backoff=0.05, max_attempts=3))


@dataclass(frozen=True)
class Sent:
    """What became of a pack. `attempts`: those that counted."""

    items: list[Item]
    attempts: int

    @property
    def told(self) -> list[str]:
        """Each item's outcome: its category, or its error's code."""
        results = [item.result["category"] if item.result else item.error and item.error.code for item in self.items]
        return [str(result) for result in results]


class Dispatch:
    """A worker's process for one provider."""

    def __init__(self, redis_url: str, folder: Path, provider: str) -> None:
        self.bench = Bench(redis_url)
        self._folder = folder
        self._provider = provider
        ledger = SyncLedger(redis_url)
        self.resources = Resources.open(Settings(apps_dir=folder), ledger)
        self._executor = Executor(ledger, LIMITS, self.resources, "this worker", lambda: False)

    def app(self, text: str, name: str = "default") -> None:
        """Gives an app its file."""
        (self._folder / f"{self._provider}.{name}.json").write_text(text)

    def send(self, *tokens: str, **common: Any) -> Sent:
        """Sends to each token, and repeats retries."""
        return self.send_each([{"token": token} for token in tokens], **common)

    def send_each(self, items: Sequence[dict[str, Any]], **common: Any) -> Sent:
        common = {"title": "Hello", "provider": self._provider} | common
        batch = self.bench.accept_batch(CONTRACT, common, items)
        for _ in range(RUNS):
            if self.run(batch).ended:
                break
            assert self.bench.due_again(f"{batch}.0")
        found, _ = self.bench.ledger.run(list_items(batch, 1000))
        return Sent(found, self.bench.task(f"{batch}.0").attempt)

    def begin(self, *tokens: str, **common: Any) -> tuple[str, State]:
        """Sends to each token, once. Gives the batch, and the state of its pack."""
        common = {"title": "Hello", "provider": self._provider} | common
        batch = self.bench.accept_batch(CONTRACT, common, [{"token": token} for token in tokens])
        return batch, self.run(batch)

    def run(self, batch: str) -> State:
        state = self._executor.run(Binding(CONTRACT, push_send, True), f"{batch}.0").state
        assert state
        return state

    def gone(self) -> list[tuple[str, str]]:
        """The recipients that the API lists as gone."""
        found, _ = self.bench.ledger.run(calls.list_gone(100))
        return [(gone.channel, gone.recipient) for gone in found]

    def held(self) -> list[tuple[str, str]]:
        """The channels that are held, without their fingerprints, and why."""
        return [(held.channel.rpartition(":")[0], held.why) for held in self.bench.ledger.run(calls.holds())]

    def close(self) -> None:
        self._executor.close()
        self.bench.close()
