"""Periodic health probe of Redis: can it serve everything that the API needs, and has it free memory?"""

import asyncio
import logging

from redis.exceptions import ResponseError

from handoff_api.problems import REDIS_MEMORY, Problem
from handoff_ledger import AsyncLedger, LedgerMisconfigured, LedgerUnavailable
from handoff_ledger.redis_requirements import SECTIONS, RedisRequirements, diagnose, log_unavailable

log = logging.getLogger(__name__)
PROBE_INTERVAL_SECONDS = 1.0
MAX_MEMORY_RATIO = 0.8  # above it the API accepts nothing, so that workers can always finish the backlog


class RedisHealth:
    """The result of the last probe."""

    def __init__(self, ledger: AsyncLedger, requirements: RedisRequirements) -> None:
        self._ledger = ledger
        self._requirements = requirements
        self._rights = requirements.rights()
        self._error: LedgerUnavailable | None = LedgerUnavailable("Redis was not asked yet.")
        self._memory_ratio = 0.0

    @property
    def memory_ratio(self) -> float:
        """The share of its memory limit that Redis uses; 0 without a limit."""
        return self._memory_ratio

    def check_ready(self) -> None:
        """Raise `LedgerUnavailable` unless the last probe succeeded."""
        if self._error:
            raise type(self._error)(self._error.reason)

    def check_accepting(self) -> None:
        """Raise a `Problem` or `LedgerMisconfigured` when the API must not accept tasks now.

        An unreachable Redis passes this check: the call itself finds out, and succeeds as soon as Redis is back.
        """
        if isinstance(self._error, LedgerMisconfigured):
            self.check_ready()
        if self._memory_ratio >= MAX_MEMORY_RATIO:
            raise Problem(REDIS_MEMORY)

    async def probe(self) -> None:
        """Probe Redis once and store the result."""
        try:
            info = await self._ledger.info(*SECTIONS)
            self._requirements.check_info(info)
            await self._ledger.run(self._rights)
        except (LedgerUnavailable, ResponseError) as error:
            self._note_failure(await asyncio.to_thread(diagnose, error, self._requirements.url))
            return
        if self._error:
            log.info("Redis is available", extra={"event": "redis.available"})
        self._error = None
        self._memory_ratio = info["used_memory"] / info["maxmemory"] if info.get("maxmemory") else 0.0

    async def run(self) -> None:
        """Probe Redis every second until the task is cancelled."""
        while True:
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)
            await self.probe()

    def _note_failure(self, error: LedgerUnavailable) -> None:
        if self._error is None or error.reason != self._error.reason:
            log_unavailable(log, error)
        self._error = error
