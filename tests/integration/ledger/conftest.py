"""A ledger over the test's Redis: `lab` with the worker's client, `both` with each client in turn."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from redis import Redis

from handoff_ledger import SyncLedger
from tests.integration.ledger.lab import Lab, Looped

# pytest tests/integration/ledger --hypothesis-profile=thorough
settings.register_profile("thorough", max_examples=2_000, stateful_step_count=50)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API's client gives Redis more time than in production: for what is not about its bound."""
    monkeypatch.setattr("handoff_ledger.async_client.COMMAND_TIMEOUT_SECONDS", 20.0)
    monkeypatch.setattr("handoff_common.connections.COMMAND_TIMEOUT_SECONDS", 20.0)
    monkeypatch.setattr("handoff_common.connections.CONNECT_TIMEOUT_SECONDS", 20.0)
    monkeypatch.setattr(
        "handoff_ledger.async_client.FSYNC_MS", 15_000
    )  # Redis syncs once a second, and a disk may be slow


@pytest.fixture
def lab(redis: Redis, redis_url: str) -> Iterator[Lab]:
    ledger = SyncLedger(redis_url)
    yield Lab(redis, ledger)
    ledger.close()


@pytest.fixture(params=[SyncLedger, Looped], ids=["blocking", "async"])
def both(request: pytest.FixtureRequest, redis: Redis, redis_url: str) -> Iterator[Lab]:
    ledger = request.param(redis_url)
    yield Lab(redis, ledger)
    ledger.close()
