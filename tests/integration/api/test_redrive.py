"""Redrive over HTTP: one or all matching dead letters are queued again, and the action is recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from handoff_ledger import Failure, State, calls
from tests.integration.api.conftest import client_of
from tests.integration.api.manual_worker import LIMITS, ManualWorker

ECHO, PUSH = "/v1/tasks/system.echo", "/v1/tasks/push.send"


def ended(client: httpx2.Client, worker: ManualWorker, state: State, code: str, path: str = ECHO) -> str:
    """Submit a task and end it in `state`. Return its id."""
    body = {"token": "t"} if path == PUSH else {}
    id = str(client.post(path, json=body).json()["id"])
    worker.ledger.run(calls.fail(worker.claim(id), Failure(code=code, message="It failed."), LIMITS, state))
    return id


def redrive(client: httpx2.Client, **matching: Any) -> Any:
    answer = client.post("/v1/redrive", json=matching)
    assert answer.status_code == 200, answer.text
    return answer.json()


def state(client: httpx2.Client, id: str) -> Any:
    return client.get(f"/v1/tasks/{id}").json()["state"]


@pytest.mark.parametrize("how", [State.DEAD, State.FAILED])
def test_a_redriven_task_is_queued_again_as_new(client: httpx2.Client, worker: ManualWorker, how: State) -> None:
    id = ended(client, worker, how, "gone")
    task = client.post(f"/v1/tasks/{id}/redrive").json()
    assert (task["state"], task["attempt"], task["error"], task["finished_at"]) == ("queued", 0, None, None)
    worker.finish(worker.claim(id), {"message": ""})
    assert state(client, id) == "succeeded"


def test_only_dead_letters_can_be_redriven(client: httpx2.Client, worker: ManualWorker) -> None:
    id = client.post(ECHO, json={}).json()["id"]
    answer = client.post(f"/v1/tasks/{id}/redrive")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_redrivable")
    assert answer.json()["detail"] == "The task is queued."
    answer = client.post(f"/v1/tasks/{'0' * 26}/redrive")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_task")


def test_all_matching_tasks_are_redriven(client: httpx2.Client, worker: ManualWorker) -> None:
    busy, gone = ended(client, worker, State.DEAD, "busy"), ended(client, worker, State.DEAD, "gone")
    push, failed = ended(client, worker, State.DEAD, "busy", PUSH), ended(client, worker, State.FAILED, "busy")
    assert redrive(client, contract="system.echo", code="busy") == {"redriven": 1, "more": False}
    assert [state(client, id) for id in (busy, gone, push, failed)] == ["queued", "dead", "dead", "failed"]
    assert redrive(client, state="failed") == {"redriven": 1, "more": False}
    assert redrive(client) == {"redriven": 2, "more": False}
    assert redrive(client) == {"redriven": 0, "more": False}


def test_the_time_of_the_end_is_a_filter(client: httpx2.Client, worker: ManualWorker) -> None:
    ended(client, worker, State.DEAD, "busy")
    now = datetime.now(UTC)
    assert redrive(client, ended_until=(now - timedelta(hours=1)).isoformat())["redriven"] == 0
    assert redrive(client, ended_from=(now + timedelta(hours=1)).isoformat())["redriven"] == 0
    hour = {"ended_from": now - timedelta(hours=1), "ended_until": now + timedelta(hours=1)}
    assert redrive(client, **{name: time.isoformat() for name, time in hour.items()})["redriven"] == 1


def test_a_redrive_takes_several_steps(client: httpx2.Client, worker: ManualWorker) -> None:
    ids = [ended(client, worker, State.DEAD, "busy" if number % 2 else "gone") for number in range(40)]
    mails = {"common": {"text": "Hello"}, "items": [{"to": "a@example.com"}] * 10_000}
    batches = [client.post("/v1/batches/email.send", json=mails).json()["id"] for _ in range(3)]
    for pack in (f"{batch}.{number}" for batch in batches for number in range(200)):
        worker.ledger.run(calls.fail(worker.claim(pack), Failure(code="busy", message=""), LIMITS, State.DEAD))
    assert redrive(client, code="busy") == {"redriven": 620, "more": False}
    assert {state(client, id) for id in ids[::2]} == {"dead"}


def test_each_action_is_recorded_with_its_client_and_time(
    client: httpx2.Client, worker: ManualWorker, api_server: Any
) -> None:
    dead = ended(client, worker, State.DEAD, "busy")
    waiting = client.post(ECHO, json={}).json()["id"]
    with client_of(api_server.url, "other") as other:
        other.post(f"/v1/tasks/{dead}/redrive")
    client.delete(f"/v1/tasks/{waiting}")
    page = client.get("/v1/actions", params={"limit": 1}).json()
    (latest,) = page["items"]
    assert (latest["by"], latest["action"], latest["about"], latest["tasks"]) == ("tests", "cancel", waiting, 1)
    assert abs(datetime.fromisoformat(latest["at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    answer = client.get("/v1/actions", params={"limit": 5, "cursor": page["cursor"]})
    assert answer.status_code == 200, answer.text
    (first,) = answer.json()["items"]
    assert (first["by"], first["action"], first["about"]) == ("other", "redrive", dead)


@pytest.mark.parametrize("name", ["contract", "code"])
def test_an_empty_filter_is_refused_and_redrives_nothing(
    client: httpx2.Client, worker: ManualWorker, name: str
) -> None:
    id = ended(client, worker, State.DEAD, "busy")
    answer = client.post("/v1/redrive", json={name: ""})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, name)
    assert state(client, id) == "dead"
