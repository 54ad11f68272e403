"""What the tests of several providers run on."""

from collections.abc import Iterator

import pytest

from tests.integration.providers.http_simulator import HttpSimulator
from tests.integration.worker.bench import Bench


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    bench = Bench(redis_url)
    yield bench
    bench.close()


@pytest.fixture
def server() -> Iterator[HttpSimulator]:
    with HttpSimulator() as server:
        yield server
