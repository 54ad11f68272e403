"""The exit codes of the worker's probes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from handoff_ledger.redis_requirements import RedisRequirements
from handoff_worker.probe import STALE_SECONDS, main


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the ready file. Redis is away."""
    path = tmp_path / "ready"
    monkeypatch.setenv("HANDOFF_WORKER_READY_FILE", str(path))
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    return path


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Makes the check of Redis succeed."""
    monkeypatch.setattr(RedisRequirements, "check", lambda _: None)


def probe(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["probe", *arguments])
    return main()


def age(file: Path, seconds: float) -> None:
    file.touch()
    os.utime(file, (time.time() - seconds,) * 2)


def test_a_worker_is_ready_while_the_file_exists(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, "ready") == 1
    age(file, 10 * STALE_SECONDS)
    assert probe(monkeypatch, "ready") == 0


@pytest.mark.usefixtures("redis")
def test_a_worker_is_alive_while_it_touches_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    age(file, STALE_SECONDS - 10)
    assert probe(monkeypatch, "alive") == 0
    age(file, STALE_SECONDS + 10)
    assert probe(monkeypatch, "alive") == 1
    file.unlink()
    assert probe(monkeypatch, "alive") == 1


def test_a_worker_is_alive_while_redis_is_away(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, "alive") == 0
    age(file, STALE_SECONDS + 10)
    assert probe(monkeypatch, "alive") == 0


@pytest.mark.parametrize("arguments", [(), ("well",), ("ready", "alive")])
@pytest.mark.usefixtures("file")
def test_wrong_arguments_exit_with_2(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, *arguments) == 2


def test_a_missing_setting_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, "ready") == 2


def test_a_probe_imports_little() -> None:
    code = "import handoff_worker.probe, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"celery", "handoff_ledger", "pydantic", "redis"} & set(loaded)
