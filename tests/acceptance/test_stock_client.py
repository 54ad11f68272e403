"""A Celery client without any of our code follows a task by its id."""

from collections.abc import Iterator

import httpx2
import pytest
from celery import Celery

from process import wait_until
from stack import Stack


@pytest.fixture
def celery(stack: Stack) -> Iterator[Celery]:
    with Celery("stock", broker=stack.redis_url, backend=stack.redis_url, set_as_current=False) as app:
        yield app


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=stack.api.url, trust_env=False, timeout=30) as client:
        yield client


def accepted(client: httpx2.Client, **query: int) -> str:
    answer = client.post("/v1/tasks/system.echo", json={"message": "héllo"}, params=query).raise_for_status()
    return str(answer.json()["id"])


def test_it_sees_success_and_the_result(celery: Celery, client: httpx2.Client) -> None:
    result = celery.AsyncResult(accepted(client))
    assert result.get(timeout=30) == {"message": "héllo"}
    assert result.state == "SUCCESS"
    assert result.successful()
    assert result.date_done


def test_it_sees_a_cancelled_task_as_revoked(celery: Celery, client: httpx2.Client) -> None:
    id = accepted(client, delay=600)
    result = celery.AsyncResult(id)
    assert result.state == "PENDING"
    client.delete(f"/v1/tasks/{id}").raise_for_status()
    assert wait_until(lambda: str(result.state) == "REVOKED", 15)
