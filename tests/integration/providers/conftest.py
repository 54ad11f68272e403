"""What the tests of several providers run on."""

from collections.abc import Iterator

import pytest

from tests.integration.providers.http_simulator import HttpSimulator


@pytest.fixture
def server() -> Iterator[HttpSimulator]:
    with HttpSimulator() as server:
        yield server
