"""A ledger on the Redis of the tests."""

from collections.abc import Iterator

import pytest

from tests.integration.worker.bench import Bench


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    bench = Bench(redis_url)
    yield bench
    bench.close()
