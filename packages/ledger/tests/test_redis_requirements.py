"""What a Redis's INFO says about whether it can serve."""

from typing import Any

import pytest

from handoff_ledger import LedgerMisconfigured, LedgerUnavailable
from handoff_ledger.redis_requirements import RedisRequirements

URL = "redis://127.0.0.1:1/0"
WELL: dict[str, Any] = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": 1, "loading": 0}


def requirements(*, allow_data_loss: bool = False) -> RedisRequirements:
    return RedisRequirements(service="api", url=URL, allow_data_loss=allow_data_loss)


@pytest.mark.parametrize(
    "info", [WELL, {}, WELL | {"redis_version": "unstable"}, WELL | {"redis_version": "8.4.1-rc2"}]
)
def test_a_redis_that_serves(info: dict[str, Any]) -> None:
    requirements().check_info(info)


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
        requirements().check_info(WELL | info)
    assert isinstance(caught.value, LedgerMisconfigured) is lasting
    if tolerated:  # in development
        requirements(allow_data_loss=True).check_info(WELL | info)
    else:
        with pytest.raises(LedgerUnavailable, match=words):
            requirements(allow_data_loss=True).check_info(WELL | info)


def test_a_valkey_is_never_too_old() -> None:
    requirements().check_info(WELL | {"redis_version": "6.2.0", "valkey_version": "9.1.2"})


def test_a_redis_that_is_away_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    requirements().exit_if_misconfigured()
    assert capsys.readouterr().err == ""
