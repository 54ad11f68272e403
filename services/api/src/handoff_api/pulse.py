"""The API's regular look at Redis: is it there, has it room, will it keep what it takes?"""

import asyncio
import logging
from collections.abc import Mapping

from handoff_api.problems import DOMAIN, REDIS_MEMORY, REDIS_UNSAFE, Problem
from handoff_ledger import AsyncLedger, LedgerUnavailable

log = logging.getLogger(__name__)
BEAT_S = 1.0
FULL = 0.8  # the share of Redis's memory from which nothing is accepted, so that the backlog can always drain


def unsafe(info: Mapping[str, object]) -> str | None:
    """What to change in a Redis that would lose tasks, from its INFO; None when it keeps them."""
    if info["maxmemory_policy"] != "noeviction":
        return "Redis evicts keys when it is full: set its maxmemory-policy to noeviction."
    if not info["aof_enabled"]:
        return "Redis has no append-only file: set its appendonly to yes."
    return None


class Pulse:
    """What Redis said at the last beat."""

    def __init__(self, ledger: AsyncLedger, *, development: bool) -> None:
        self._ledger = ledger
        self._trusting = development
        self._away = "Redis was not asked yet."
        self._unsafe: str | None = None
        self._memory = 0.0

    @property
    def memory(self) -> float:
        """The share of its memory limit that Redis uses."""
        return self._memory

    def check(self) -> None:
        """Raises a `Problem` unless Redis is there and keeps what it takes."""
        if self._away:
            raise Problem(DOMAIN[LedgerUnavailable], self._away)
        if self._unsafe:
            raise Problem(REDIS_UNSAFE, self._unsafe)

    def admit(self) -> None:
        """Raises a `Problem` when nothing may be accepted now. A Redis that is away is found out by the call itself."""
        if self._memory >= FULL:
            raise Problem(REDIS_MEMORY)
        if self._unsafe:
            raise Problem(REDIS_UNSAFE, self._unsafe)

    async def beat(self) -> None:
        """Asks Redis once."""
        try:
            info = await self._ledger.info("memory", "persistence")
        except LedgerUnavailable as error:
            self._now_away(error.reason)
            return
        if info["loading"]:  # and until it has loaded it reports its append-only file as off
            self._now_away("Redis is loading its data.")
            return
        if self._away:
            log.info("Redis is there", extra={"event": "redis.there"})
        self._away = ""
        self._memory = info["used_memory"] / info["maxmemory"] if info["maxmemory"] else 0.0
        self._judge(None if self._trusting else unsafe(info))

    async def run(self) -> None:
        """Beats until it is cancelled."""
        while True:
            await asyncio.sleep(BEAT_S)
            await self.beat()

    def _now_away(self, sentence: str) -> None:
        if sentence != self._away:
            log.warning("Redis is away: %s", sentence, extra={"event": "redis.away"})
        self._away = sentence

    def _judge(self, sentence: str | None) -> None:
        if sentence and sentence != self._unsafe:
            log.error(sentence, extra={"event": "redis.unsafe"})
        self._unsafe = sentence
