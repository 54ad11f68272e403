"""What the doctor makes of an INFO and of a survey, without a Redis."""

from dataclasses import replace
from typing import Any

import pytest

from handoff_contracts import CATALOGUE, Policy
from handoff_ledger.doctor import ServiceHealth, redis_faults, service_faults

WELL: dict[str, Any] = {
    "redis_version": "8.2.2",
    "maxmemory_policy": "noeviction",
    "loading": 0,
    "aof_enabled": 1,
    "maxmemory": 100,
    "used_memory": 10,
}
SERVED = ServiceHealth(skew_seconds=0.1, swept_seconds=0.5, unserved=[], parked={})


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({}, []),
        ({"redis_version": "7.2.0"}, []),
        ({"redis_version": "6.2.7"}, ["is too old"]),
        ({"redis_version": "8.0.1"}, ["known holes"]),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, []),
        ({"loading": 1, "aof_enabled": 0}, ["loading"]),
        ({"aof_last_write_status": "err"}, ["look at its disk"]),
        ({"used_memory": 80}, ["80%"]),
        ({"maxmemory_policy": "allkeys-lru", "aof_enabled": 0}, ["noeviction", "appendonly"]),
    ],
)
def test_redis(info: dict[str, Any], said: list[str]) -> None:
    faults = list(redis_faults(WELL | info))
    assert len(faults) == len(said)
    assert all(part in fault for part, fault in zip(said, faults, strict=True))


def test_services() -> None:
    contracts = list(CATALOGUE)
    assert list(service_faults(SERVED, [], contracts)) == []
    (skewed,) = service_faults(SERVED._replace(skew_seconds=-7200.0), [], contracts)
    assert "7200 s apart" in skewed
    (short,) = service_faults(SERVED, [], [replace(contracts[0], policy=Policy(lease=3))])
    assert "under two renewals" in short
    (parked,) = service_faults(SERVED._replace(parked={"old.task:1": 3}), [], contracts)
    assert parked.startswith("3 tasks are parked for old.task:1")
