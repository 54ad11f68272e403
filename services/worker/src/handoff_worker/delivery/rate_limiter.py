"""The rate limit of a channel for the whole fleet. Redis's clock decides; each pool process takes several permits."""

import asyncio
import time
from collections import defaultdict
from contextlib import suppress

from handoff_ledger import LedgerUnavailable, SyncLedger, calls
from handoff_worker.errors import Snooze

PERMIT_WINDOW_SECONDS = 0.05  # one call takes the permits of this time
PERMIT_LIFETIME_SECONDS = 0.25  # older permits are dropped: the channel may be on hold meanwhile
UNLIMITED_PERMITS = 1_000  # that one call takes for a channel without a rate
MAX_WAIT_SECONDS = 5.0  # a longer wait snoozes the attempt, which frees its place for other work


class RateLimiter:
    """Admits sends at a channel's rate, and none while the channel is on hold."""

    def __init__(self, ledger: SyncLedger) -> None:
        self._ledger = ledger
        self._permits: dict[str, tuple[int, float]] = {}  # how many, and when they were taken
        self._taking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def admit(self, channel: str, rate: float) -> None:
        """Waits for a permit. Raises `Snooze` if none is free within `MAX_WAIT_SECONDS`."""
        if self._use_permit(channel):
            return
        async with self._taking[channel]:
            while not self._use_permit(channel):
                wait_seconds = await self._take_permits(channel, rate)
                if wait_seconds > MAX_WAIT_SECONDS:
                    raise self.held("paced", wait_seconds)
                await asyncio.sleep(wait_seconds)

    async def hold(self, channel: str, reason: str, seconds: float) -> None:
        """Puts the channel on hold for every worker."""
        self._permits.pop(channel, None)
        with suppress(LedgerUnavailable):  # without Redis, admit() lets nothing through anyway
            await asyncio.to_thread(self._ledger.run, calls.hold(channel, reason, seconds))

    @staticmethod
    def held(reason: str, seconds: float) -> Snooze:
        return Snooze(reason, seconds, "The task waits until its channel is free again.")

    def _use_permit(self, channel: str) -> bool:
        permits, taken_at = self._permits.get(channel, (0, 0.0))
        if permits < 1 or time.monotonic() - taken_at > PERMIT_LIFETIME_SECONDS:
            return False
        self._permits[channel] = permits - 1, taken_at
        return True

    async def _take_permits(self, channel: str, rate: float) -> float:
        """Takes permits from Redis. Returns the seconds to wait if none is free. Raises `Snooze` for one on hold."""
        wanted = max(1, int(rate * PERMIT_WINDOW_SECONDS)) if rate else UNLIMITED_PERMITS
        try:
            admitted = await asyncio.to_thread(self._ledger.run, calls.admit(channel, rate, wanted))
        except LedgerUnavailable:
            raise self.held("ledger_unavailable", 1.0) from None
        if admitted.held:
            raise self.held(admitted.held, admitted.wait_seconds)
        self._permits[channel] = admitted.permits, time.monotonic()
        return admitted.wait_seconds
