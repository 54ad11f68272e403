"""What a Redis's INFO says about whether it can serve."""

from typing import Any

import pytest

from handoff_ledger import LedgerMisconfigured, LedgerUnavailable
from handoff_ledger.fitness import Fitness

URL = "redis://127.0.0.1:1/0"
WELL: dict[str, Any] = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": 1, "loading": 0}


def fitness(*, trusting: bool = False) -> Fitness:
    return Fitness(service="api", url=URL, trusting=trusting)


@pytest.mark.parametrize(
    "info", [WELL, {}, WELL | {"redis_version": "unstable"}, WELL | {"redis_version": "8.4.1-rc2"}]
)
def test_a_redis_that_serves(info: dict[str, Any]) -> None:
    fitness().judge(info)


@pytest.mark.parametrize(
    ("info", "words", "lasting", "tolerated"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "set its maxmemory-policy to noeviction", True, True),
        ({"aof_enabled": 0}, "set its appendonly to yes", True, True),
        ({"cluster_enabled": 1}, "cluster mode", True, False),
        ({"redis_version": "6.2.14"}, "too old", True, False),
        ({"loading": 1, "aof_enabled": 0}, "loading", False, False),
    ],
)
def test_a_redis_that_does_not(info: dict[str, Any], words: str, lasting: bool, tolerated: bool) -> None:
    with pytest.raises(LedgerUnavailable, match=words) as caught:
        fitness().judge(WELL | info)
    assert isinstance(caught.value, LedgerMisconfigured) is lasting
    if tolerated:  # in development
        fitness(trusting=True).judge(WELL | info)
    else:
        with pytest.raises(LedgerUnavailable, match=words):
            fitness(trusting=True).judge(WELL | info)


def test_a_valkey_is_never_too_old() -> None:
    fitness().judge(WELL | {"redis_version": "6.2.0", "valkey_version": "9.1.2"})


def test_a_redis_that_is_away_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    fitness().refuse_to_start()
    assert capsys.readouterr().err == ""
