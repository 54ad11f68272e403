"""Cancels a running async task when a client asks for its cancellation."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from handoff_ledger import LedgerError, SyncLedger, calls

T = TypeVar("T")
CANCEL_POLL_SECONDS = 1.0


async def run_cancellable(ledger: SyncLedger, task_id: str, work: Coroutine[Any, Any, T]) -> T:
    """Returns the result of `work`, and asks the ledger every second whether to cancel it.

    Raises:
        CancelledError: a client asked for the cancellation of the task.
    """
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    polls: set[asyncio.Task[None]] = set()
    # Most tasks end before the first poll, so a timer replaces an asyncio task for each of them.
    timer = loop.call_later(CANCEL_POLL_SECONDS, lambda: polls.add(loop.create_task(_poll(ledger, task_id, running))))
    try:
        return await work
    finally:
        timer.cancel()
        for poll in polls:
            poll.cancel()


async def _poll(ledger: SyncLedger, task_id: str, running: asyncio.Task[Any] | None) -> None:
    while True:
        with suppress(LedgerError):
            if (await asyncio.to_thread(ledger.run, calls.read(task_id))).cancel_requested and running:
                running.cancel()
        await asyncio.sleep(CANCEL_POLL_SECONDS)
