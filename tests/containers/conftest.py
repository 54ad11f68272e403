"""The stack in containers, twice: for development, and as on a host. Nothing here is skipped where an engine is."""

import secrets
from collections.abc import Iterator

import pytest

from tests.containers.clone import Clone
from tests.containers.engine import missing
from tests.containers.host import Host, KeyClient


def pytest_sessionstart() -> None:
    if lacking := missing():
        pytest.exit(f"make test-containers needs what is not here: {', '.join(lacking)}.", returncode=2)


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone with the `.env` that its first `make up PRODUCTION=1` made, which stops there: no client has a key."""
    with Clone(tmp_path_factory.mktemp("clone"), f"handoff-test-{secrets.token_hex(4)}") as clone:
        answer = clone.make("up", "PRODUCTION=1")
        assert answer.returncode == 2, answer.stderr
        assert "There is no API key: put what `make key NAME=client` prints into .env" in answer.stderr
        yield clone


@pytest.fixture(scope="session")
def running_host(clone: Clone) -> Iterator[Host]:
    with Host(clone) as host:
        yield host


@pytest.fixture
def host(running_host: Host) -> Iterator[Host]:
    """The stack of compose.yaml alone. Whatever a test makes it do, Redis refuses nothing."""
    yield running_host
    assert running_host.clone.refused() == ""


@pytest.fixture
def client(host: Host) -> Iterator[KeyClient]:
    with host.client() as client:
        yield client
