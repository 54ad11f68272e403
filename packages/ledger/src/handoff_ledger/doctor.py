"""`python -m handoff_ledger.doctor` prints faults of Redis and of the services. Exits with 1 on a fault."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from redis.exceptions import ResponseError

from handoff_common.broker import Broker
from handoff_common.settings import SharedSettings, load
from handoff_contracts import CATALOGUE
from handoff_contracts.catalogue import AnyContract
from handoff_ledger import calls
from handoff_ledger.calls import Call
from handoff_ledger.calls.reconcile import RENEW_SECONDS
from handoff_ledger.errors import LedgerUnavailable
from handoff_ledger.records import QueueState
from handoff_ledger.redis_requirements import RedisRequirements, diagnose, version
from handoff_ledger.rights import SUBJECTS
from handoff_ledger.sync_client import SyncLedger

OLDEST = (7, 2)  # the first Redis with WAITAOF
SAFE = (8, 2, 2)  # the first Redis 8 without a known vulnerability in its scripting
SKEW_SECONDS = 2.0
STALE_SECONDS = 10.0  # a reconciler sweeps every half second


class ServiceHealth(NamedTuple):
    """The state of workers and reconciler. `skew_seconds`: this machine's clock minus Redis's."""

    skew_seconds: float
    swept_seconds: float  # seconds since the last sweep, infinite without one
    unserved: Sequence[str]
    parked: Mapping[str, int]


def service_health() -> Call[ServiceHealth]:
    """Reads the state of workers and reconciler."""

    def parse(reply: list[Any]) -> ServiceHealth:
        now, swept, unserved, parked = reply
        since = (now - swept) / 1000 if swept else float("inf")
        return ServiceHealth(
            time.time() - now / 1000, since, unserved, dict(zip(parked[::2], parked[1::2], strict=True))
        )

    return Call("service_health", [f"{contract.name}:{contract.version}" for contract in CATALOGUE], parse)


def redis_faults(info: Mapping[str, Any]) -> Iterator[str]:
    """Yields a sentence for each fault of Redis itself, from its INFO."""
    valkey, running = "valkey_version" in info, version(info)
    if not valkey and running and running < OLDEST:
        yield f"Redis {info['redis_version']} is too old: run 7.2 or newer."
    elif not valkey and (8,) <= running < SAFE:
        yield f"Redis {info['redis_version']} has known holes in its scripting: run 8.2.2 or newer."
    if info.get("maxmemory_policy", "noeviction") != "noeviction":
        yield f"Redis evicts ({info['maxmemory_policy']}), so it drops tasks: set maxmemory-policy to noeviction."
    if info.get("loading"):
        yield "Redis is loading its data: wait, and ask again."
        return
    if not info.get("aof_enabled", 1):
        yield "Redis keeps no append-only file, so a restart loses what was accepted: set appendonly to yes."
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield "Redis can't write its append-only file: look at its disk."
    if not info.get("maxmemory"):
        yield "Redis has no memory limit, so the kernel decides what ends: set maxmemory to 70 % of what it may use."
    elif (used := info["used_memory"] / info["maxmemory"]) >= 0.8:
        yield f"Redis uses {used:.0%} of its memory, so the API sheds load: add workers, or raise maxmemory."


def service_faults(
    health: ServiceHealth, queues: Sequence[QueueState], contracts: Sequence[AnyContract]
) -> Iterator[str]:
    """Yields a sentence for each fault of workers, queues and contracts."""
    if abs(health.skew_seconds) > SKEW_SECONDS:
        skew = abs(health.skew_seconds)
        yield f"This machine's clock and Redis's are {skew:.0f} s apart: run a time service on both."
    if health.swept_seconds > STALE_SECONDS:
        yield "No reconciler runs, so the tasks of a dead worker stay there: start a worker."
    for queue in queues:
        if not queue.served:
            yield f"No worker serves the queue {queue.name!r} ({queue.depth} waiting): start one with -Q {queue.name}."
    for contract in health.unserved:
        yield f"No worker knows {contract}: deploy one that has its handler."
    for contract, count in health.parked.items():
        if contract in health.unserved or contract not in {f"{each.name}:{each.version}" for each in contracts}:
            yield f"{count} tasks are parked for {contract}: deploy a worker that knows it, or cancel them."
    for each in contracts:
        if each.policy.lease < 2 * RENEW_SECONDS:
            yield f"The lease of {each.name} is under two renewals: give its policy at least {2 * RENEW_SECONDS:.0f} s."


def faults(url: str) -> Iterator[str]:
    """Yields a sentence for each fault of the Redis at `url` and of its services."""
    ledger = SyncLedger(url)
    try:
        yield from redis_faults(ledger.info())
        unfit = list(requirement_faults(url))
        yield from unfit
        if not unfit:
            states = ledger.run(calls.queues())
            yield from service_faults(ledger.run(service_health()), states, list(CATALOGUE))
    except (LedgerUnavailable, ResponseError) as error:
        yield str(diagnose(error, url))
    finally:
        ledger.close()


def requirement_faults(url: str) -> Iterator[str]:
    """Yields unmet requirements of API and worker, or of the one service whose user the URL names."""
    user = Broker.parse(url).username
    for service in SUBJECTS:
        if user == service or user not in SUBJECTS:
            try:
                RedisRequirements(service=service, url=url, allow_data_loss=True).check()
            except LedgerUnavailable as error:
                yield str(error)


def main() -> int:
    found = list(dict.fromkeys(faults(load(SharedSettings).broker_url)))
    for fault in found:
        sys.stdout.write(f"fault: {fault}\n")
    if not found:
        sys.stdout.write("All is well: Redis keeps what it takes, and every queue and contract is served.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
