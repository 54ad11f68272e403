"""The pace of the whole fleet, kept on Redis's clock: every pool process takes its permits there, some at a time."""

import asyncio
import time
from collections import defaultdict
from contextlib import suppress

from handoff_ledger import LedgerUnavailable, SyncLedger, calls
from handoff_worker.errors import Snooze

CHUNK_SECONDS = 0.05  # permits for so long are taken at once
STALE_SECONDS = 0.25  # permits that were not used for so long are dropped: others may have been told to wait meanwhile
PATIENCE_SECONDS = 5.0  # what has to wait longer gives its place to other work


class Pace:
    """Lets through what a channel's rate allows, and nothing while it is held."""

    def __init__(self, ledger: SyncLedger) -> None:
        self._ledger = ledger
        self._permits: dict[str, tuple[int, float]] = {}  # how many, and when they were taken
        self._taking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def admit(self, channel: str, rate: float) -> None:
        """Waits for a permit. Raises `Snooze` when there is none soon."""
        if self._use(channel):
            return
        async with self._taking[channel]:
            while not self._use(channel):
                wait = await self._take(channel, rate)
                if wait > PATIENCE_SECONDS:
                    raise self.held("paced", wait)
                await asyncio.sleep(wait)

    async def hold(self, channel: str, why: str, seconds: float) -> None:
        """Stops the channel for every worker."""
        self._permits.pop(channel, None)
        with suppress(LedgerUnavailable):  # without Redis nobody sends: see admit
            await asyncio.to_thread(self._ledger.run, calls.hold(channel, why, seconds))

    @staticmethod
    def held(why: str, seconds: float) -> Snooze:
        return Snooze(why, seconds, "It waits until its channel may be used again.")

    def _use(self, channel: str) -> bool:
        permits, taken = self._permits.get(channel, (0, 0.0))
        if permits < 1 or time.monotonic() - taken > STALE_SECONDS:
            return False
        self._permits[channel] = permits - 1, taken
        return True

    async def _take(self, channel: str, rate: float) -> float:
        """Takes permits. Gives the seconds to wait when there are none. Raises `Snooze` while the channel is held."""
        wanted = max(1, int(rate * CHUNK_SECONDS)) if rate else 1_000
        try:
            admitted = await asyncio.to_thread(self._ledger.run, calls.admit(channel, rate, wanted))
        except LedgerUnavailable:
            raise self.held("ledger_unavailable", 1.0) from None
        if admitted.held:
            raise self.held(admitted.held, admitted.wait_seconds)
        self._permits[channel] = admitted.permits, time.monotonic()
        return admitted.wait_seconds
