"""Builders for tests: a claim of a pack, a ledger that records outcomes, and the pack."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import from_json

from handoff_ledger import Claim, State
from handoff_worker.execution.outcomes import Recipient
from handoff_worker.execution.pack import Pack, Recorded
from handoff_worker.resources import Resources
from services.worker.tests.support import Answer, Ask, attempt_at

Outcome = tuple[int, State, Any]


def claim(items: int, recorded: Sequence[Sequence[Outcome]] = ()) -> Claim:
    """Returns a claim of a pack. The text of each item is its number."""
    payload = json.dumps([{"text": str(number)} for number in range(items)])
    return Claim("0.0", 1, 1, 5, payload, "{}", [json.dumps(chunk) for chunk in recorded])


class Ledger:
    """Records outcomes in memory. `answer` returns False when the pack is cancelled."""

    def __init__(self, answer: Callable[[], bool] = lambda: True) -> None:
        self.chunks: list[Sequence[Outcome]] = []
        self.gone: list[Recipient] = []
        self._answer = answer

    async def record(self, outcomes: Sequence[Recorded], gone: Sequence[Recipient]) -> bool:
        await asyncio.sleep(0.001)
        self.gone += gone
        self.chunks.append([(at, state, from_json(outcome)) for at, state, outcome in outcomes])
        return self._answer()

    @property
    def recorded(self) -> dict[int, Outcome]:
        return {outcome[0]: outcome for chunk in self.chunks for outcome in chunk}


def never() -> bool:
    return False


async def echo(ask: Ask, _: Resources) -> Answer:
    await asyncio.sleep(0.001)
    return Answer(text=ask.text)


def pack_of(
    handler: Callable[[Ask, Resources], Any],
    ledger: Ledger,
    claim: Claim,
    concurrency: int = 4,
    draining: Callable[[], bool] = never,
) -> Pack:
    return Pack(claim, attempt_at(handler, pack=100, concurrency=concurrency), ledger.record, draining)
