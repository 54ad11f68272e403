"""The API with production settings and a real Redis. The tests play the worker."""

from collections.abc import Iterator

import httpx2
import pytest

from handoff_api.auth import digest
from handoff_api.keys import new_key
from process import free_port, wait_until
from stack import Api, Redis, clean_environment
from tests.integration.api.manual_worker import ManualWorker

PEPPER = "the pepper of the tests"
KEYS = {"tests": new_key(), "other": new_key()}


def production(url: str, **settings: str) -> dict[str, str]:
    """Return the environment of an API with keys for both clients."""
    keys = ",".join(f"{name}={digest(PEPPER, key)}" for name, key in KEYS.items())
    environment = {"CELERY_BROKER_URL": url, "HANDOFF_API_KEY_PEPPER": PEPPER, "HANDOFF_API_KEYS": keys}
    return {**clean_environment(), **environment, **settings}


@pytest.fixture(scope="session")
def api_server(redis_server: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One API for all tests that do not stop the API."""
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    server = Api(tmp_path_factory.mktemp("api"), production(url), port=free_port())
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture
def client(api_server: Api, redis_url: str) -> Iterator[httpx2.Client]:
    """A client with a key. The API is ready, and its last probe found free memory. `redis_url` has emptied Redis."""
    assert wait_until(api_server.ready, 30)
    with client_of(api_server.url) as client:
        assert wait_until(lambda: "handoff_redis_memory_ratio 0.0" in client.get("/metrics").text, 30)
        yield client


@pytest.fixture
def worker(redis_url: str) -> Iterator[ManualWorker]:
    worker = ManualWorker(redis_url)
    yield worker
    worker.close()


def client_of(url: str, name: str = "tests") -> httpx2.Client:
    """Return a client of the API at `url`, with the key of the client `name`."""
    headers = {"Authorization": f"Bearer {KEYS[name]}"}
    return httpx2.Client(base_url=url, headers=headers, timeout=30, trust_env=False)
