"""A ledger on the tests' Redis, and an executor of its tasks."""

import inspect
from collections.abc import Iterator

import pytest

from handoff_ledger import SyncLedger
from handoff_worker.binding import Binding
from handoff_worker.execution.executor import Executor
from services.worker.tests.support import resources
from tests.integration.worker.bench import LIMITS
from tests.integration.worker.runs import ASK, ME, Drain, Run


@pytest.fixture
def drain() -> Drain:
    return Drain()


@pytest.fixture
def run(redis_url: str, drain: Drain) -> Iterator[Run]:
    """Runs a task with a handler in an executor, as a pool process does."""
    executor = Executor(SyncLedger(redis_url), LIMITS, resources(), ME, drain)
    yield lambda id, handler: executor.run(Binding(ASK, handler, inspect.iscoroutinefunction(handler)), id)
    executor.close()
