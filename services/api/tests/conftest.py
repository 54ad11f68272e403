"""The API without Redis: everything that the API checks before it calls Redis."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from handoff_api.app import create_app
from handoff_api.auth import digest
from handoff_api.settings import Settings

PEPPER = "the pepper of the tests"
KEY = "hk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the developer's `.env`, and point at a port without Redis."""
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("HANDOFF_ENV", "development")
    monkeypatch.setenv("HANDOFF_API_KEY_PEPPER", PEPPER)
    monkeypatch.setenv("HANDOFF_API_KEYS", f"other={'0' * 64},tests={digest(PEPPER, KEY)}")


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A client with a valid key."""
    with TestClient(create_app(Settings()), headers={"Authorization": f"Bearer {KEY}"}) as client:
        yield client
