"""The API's regular look at Redis: does it serve all that work needs, and has it room?"""

import asyncio
import logging

from redis.exceptions import ResponseError

from handoff_api.problems import REDIS_MEMORY, Problem
from handoff_ledger import AsyncLedger, LedgerMisconfigured, LedgerUnavailable
from handoff_ledger.redis_requirements import SECTIONS, RedisRequirements, diagnose, log_unavailable

log = logging.getLogger(__name__)
BEAT_SECONDS = 1.0
FULL = 0.8  # the share of Redis's memory from which nothing is accepted, so that the backlog can always drain


class Pulse:
    """What Redis said at the last beat."""

    def __init__(self, ledger: AsyncLedger, requirements: RedisRequirements) -> None:
        self._ledger = ledger
        self._requirements = requirements
        self._rights = requirements.rights()
        self._fault: LedgerUnavailable | None = LedgerUnavailable("Redis was not asked yet.")
        self._memory = 0.0

    @property
    def memory(self) -> float:
        """The share of its memory limit that Redis uses."""
        return self._memory

    def check(self) -> None:
        """Raises a `LedgerUnavailable` unless Redis served all that work needs at the last beat."""
        if self._fault:
            raise type(self._fault)(self._fault.reason)

    def admit(self) -> None:
        """Raises a `Problem` or a `LedgerUnavailable` when nothing may be accepted now.

        A Redis that is away is found out by the call itself, so that it is of use as soon as it is back.
        """
        if isinstance(self._fault, LedgerMisconfigured):
            self.check()
        if self._memory >= FULL:
            raise Problem(REDIS_MEMORY)

    async def beat(self) -> None:
        """Asks Redis once."""
        try:
            info = await self._ledger.info(*SECTIONS)
            self._requirements.check_info(info)
            await self._ledger.run(self._rights)
        except (LedgerUnavailable, ResponseError) as error:
            self._refused(await asyncio.to_thread(diagnose, error, self._requirements.url))
            return
        if self._fault:
            log.info("Redis is there", extra={"event": "redis.there"})
        self._fault = None
        self._memory = info["used_memory"] / info["maxmemory"] if info.get("maxmemory") else 0.0

    async def run(self) -> None:
        """Beats until it is cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.beat()

    def _refused(self, fault: LedgerUnavailable) -> None:
        if self._fault is None or fault.reason != self._fault.reason:
            log_unavailable(log, fault)
        self._fault = fault
