"""Flower as a process: every page needs the login, and no login allows an action."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from process import free_port
from stack import Flower, clean_environment

LOGIN = ("ops", "a-long-password")
CLOSED = ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/queues/length")
ACTIONS = (
    "/api/worker/shutdown/worker@host",
    "/api/worker/pool/restart/worker@host",
    "/api/worker/queue/cancel-consumer/worker@host",
    "/api/task/revoke/some-id",
    "/api/task/apply/push.send",
    "/api/task/async-apply/push.send",
    "/api/task/send-task/push.send",
    "/api/task/rate-limit/push.send",
)


def environment(url: str, **settings: str) -> dict[str, str]:
    return {**clean_environment(), "CELERY_BROKER_URL": url, **settings}


@pytest.fixture
def flower(redis_url: str, tmp_path: Path) -> Iterator[Flower]:
    settings = {
        "FLOWER_BASIC_AUTH": ":".join(LOGIN),
        "FLOWER_COOKIE_SECRET": "a random text",
        "HANDOFF_FLOWER_DB": str(tmp_path / "state"),
    }
    flower = Flower(tmp_path, environment(redis_url, **settings), port=free_port())
    flower.start()
    flower.wait_ready()
    yield flower
    flower.stop()


def test_flower_needs_a_login_and_is_read_only(flower: Flower) -> None:
    with httpx2.Client(base_url=flower.url, trust_env=False, timeout=15) as client:
        for path in CLOSED:
            assert client.get(path).status_code == 401, path
            assert client.get(path, auth=("ops", "a wrong one")).status_code == 401, path
        assert client.get("/healthcheck").status_code == 200
        client.auth = httpx2.BasicAuth(*LOGIN)
        for path in ("/workers", "/tasks", "/broker", "/api/tasks"):
            assert client.get(path).status_code == 200, path
        for path in ACTIONS:
            assert client.post(path, json={"args": []}).status_code == 403, path
        assert flower.log.read_text().count("Read only mode is enabled") == len(ACTIONS)
        queues = client.get("/api/queues/length").json()["active_queues"]
        assert {queue["name"] for queue in queues} == {"high", "default", "bulk", "documents"}


def test_the_state_survives_a_restart(flower: Flower) -> None:
    flower.stop()
    assert flower.exit_code == 0
    assert list(flower.folder.glob("state*"))


def test_flower_without_a_login_is_refused(redis_url: str, tmp_path: Path) -> None:
    flower = Flower(tmp_path, environment(redis_url, FLOWER_COOKIE_SECRET="a random text"), port=free_port())
    flower.start()
    assert flower.wait(60)
    assert flower.exit_code == 2
    assert "FLOWER_BASIC_AUTH has no password" in flower.log.read_text()


def test_development_generates_a_login_and_prints_it(redis_url: str, tmp_path: Path) -> None:
    flower = Flower(tmp_path, environment(redis_url, HANDOFF_ENV="development"), port=free_port())
    flower.start()
    try:
        flower.wait_ready()
        (password,) = re.findall(r"admin:(\S+)", flower.log.read_text())
        with httpx2.Client(base_url=flower.url, trust_env=False, timeout=15) as client:
            assert client.get("/workers").status_code == 401
            assert client.get("/workers", auth=("admin", password)).status_code == 200
    finally:
        flower.stop()
