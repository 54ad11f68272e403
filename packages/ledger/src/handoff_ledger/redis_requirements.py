"""What API and worker require of Redis. They check it at start, in readiness probes, and in the doctor.

A fault that waiting does not cure is a `LedgerMisconfigured`, which stops the start; docs/operations.md has the table.
The check needs the right to INFO, but neither to ACL nor to CONFIG.
"""

import logging
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from redis.exceptions import ResponseError

from handoff_common.broker import Broker
from handoff_ledger.calls import Call
from handoff_ledger.errors import LedgerMisconfigured, LedgerUnavailable
from handoff_ledger.outages import explain
from handoff_ledger.port_probe import probe_port
from handoff_ledger.redis_errors import CLUSTER, LOADING, TOO_OLD
from handoff_ledger.rights import Service, check_rights
from handoff_ledger.sync_client import SyncLedger

OLDEST = (7, 0)  # the first Redis whose scripts have flags
SECTIONS = ("server", "memory", "persistence", "cluster")  # of INFO


def version(info: Mapping[str, Any]) -> tuple[int, ...]:
    """Returns the Redis version that a server has or is compatible with, empty when INFO lacks it."""
    return tuple(int(part) for part in re.findall(r"\d+", str(info.get("redis_version", "")))[:3])


def data_loss_risk(info: Mapping[str, Any]) -> str | None:
    """Returns what to change in a Redis that would lose tasks, from its INFO; None for a safe one."""
    if info.get("maxmemory_policy", "noeviction") != "noeviction":
        return "Redis evicts keys when it is full: set its maxmemory-policy to noeviction."
    if not info.get("aof_enabled", 1):
        return "Redis has no append-only file: set its appendonly to yes."
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisRequirements:
    """What a service requires of the Redis at `url`. `allow_data_loss`: Redis may lose tasks, as in development."""

    service: Service
    url: str
    allow_data_loss: bool
    durable: bool = False

    def rights(self) -> Call[None]:
        """Returns the call that raises `LedgerMisconfigured` when the connected user lacks a right."""
        return check_rights(self.service, database=Broker.parse(self.url).database, durable=self.durable)

    def check_info(self, info: Mapping[str, Any]) -> None:
        """Raises `LedgerUnavailable` when a Redis with this INFO does not meet the requirements."""
        if info.get("loading"):  # a loading Redis reports its append-only file as off
            raise LOADING.about().error()
        if "valkey_version" not in info and version(info) and version(info) < OLDEST:
            raise TOO_OLD.about().error()
        if info.get("cluster_enabled"):
            raise CLUSTER.about().error()
        if not self.allow_data_loss and (sentence := data_loss_risk(info)):
            raise LedgerMisconfigured(sentence)

    def check(self) -> None:
        """Checks Redis over a new connection. Raises `LedgerUnavailable`."""
        ledger = SyncLedger(self.url)
        try:
            self.check_info(ledger.info())
            ledger.run(self.rights())
        except (LedgerUnavailable, ResponseError) as error:
            raise diagnose(error, self.url) from error
        finally:
            ledger.close()

    def exit_if_misconfigured(self) -> None:
        """Ends the process when Redis is misconfigured. A Redis that is away may return, so the process continues."""
        try:
            self.check()
        except LedgerMisconfigured as error:
            exit_misconfigured(error)
        except LedgerUnavailable:
            return


def exit_misconfigured(error: LedgerMisconfigured) -> NoReturn:
    """Writes to standard error what to change, and exits with 2."""
    sys.stderr.write(f"handoff: {error}\n")
    raise SystemExit(2)


def diagnose(error: LedgerUnavailable | ResponseError, url: str) -> LedgerUnavailable:
    """Returns the error with its most likely cause. Probing the port takes up to three seconds."""
    if isinstance(error, LedgerUnavailable) and error.__cause__ is None:
        return error
    outage = explain(error.__cause__ or error)
    return ((probe_port(Broker.parse(url)) if outage.unclear else None) or outage).error()


def log_unavailable(log: logging.Logger, error: LedgerUnavailable) -> None:
    """Logs why Redis does not serve: an error when waiting does not cure it, else a warning."""
    if isinstance(error, LedgerMisconfigured):
        log.error("Redis can't serve: %s", error, extra={"event": "redis.unsafe"})
    else:
        log.warning("Redis is away: %s", error, extra={"event": "redis.away"})
