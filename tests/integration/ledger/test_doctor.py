"""The doctor finds what would break the promise, and says what to do."""

from pathlib import Path

import pytest
from redis import Redis

from handoff_contracts import CATALOGUE, QUEUES
from handoff_ledger import calls
from handoff_ledger.doctor import main
from tests.integration.ledger.lab import ECHO, LIMITS, Lab


@pytest.fixture(autouse=True)
def _here(redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", redis_url)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def well(lab: Lab) -> Lab:
    """All that the doctor asks for."""
    lab.redis.config_set("maxmemory", "1gb")
    lab.run(calls.announce("w1", 60, CATALOGUE, QUEUES))
    lab.run(calls.sweep("w1", LIMITS))
    return lab


def test_all_is_well(well: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert capsys.readouterr().out.startswith("All is well")


def test_an_evicting_redis(well: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    well.redis.config_set("maxmemory-policy", "allkeys-lru")
    assert main() == 1
    assert "set maxmemory-policy to noeviction" in capsys.readouterr().out


def test_a_redis_without_a_file(well: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    well.redis.config_set("appendonly", "no")
    try:
        assert main() == 1
    finally:
        well.redis.config_set("appendonly", "yes")
    assert "set appendonly to yes" in capsys.readouterr().out


def test_a_redis_without_room(well: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    well.redis.config_set("maxmemory", "0")
    assert main() == 1
    well.redis.config_set("maxmemory", int(well.redis.info("memory")["used_memory"] * 1.1))
    assert main() == 1
    limit, full = capsys.readouterr().out.splitlines()
    assert "no memory limit" in limit
    assert "raise maxmemory" in full


def test_a_ledger_that_nobody_serves(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.redis.config_set("maxmemory", "1gb")
    lab.submit()
    lab.run(calls.park(lab.messages()[0]))
    assert main() == 1
    said = capsys.readouterr().out
    assert "No reconciler runs" in said
    assert "No worker serves the queue 'bulk' (0 waiting): start one with -Q bulk." in said
    assert f"No worker knows {ECHO.name}:1" in said
    assert f"1 tasks are parked for {ECHO.name}:1" in said


def test_a_redis_that_is_away(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    assert main() == 1
    assert "nothing listens at the host and port in CELERY_BROKER_URL" in capsys.readouterr().out


def test_it_writes_nothing(well: Lab, redis: Redis) -> None:
    before = sorted(redis.scan_iter())
    main()
    assert sorted(redis.scan_iter()) == before
