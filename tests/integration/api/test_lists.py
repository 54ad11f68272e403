"""Lists: every entry appears once over all pages, and filters apply; contracts, queues and metrics."""

from typing import Any

import httpx2
import pytest

from handoff_contracts import CATALOGUE
from tests.integration.api.manual_worker import ManualWorker

ECHO = "/v1/tasks/system.echo"


def every(client: httpx2.Client, **query: Any) -> list[str]:
    """Return the ids of all pages."""
    found: list[str] = []
    while True:
        page = client.get("/v1/tasks", params=query).json()
        assert len(page["items"]) <= int(query.get("limit", 50))
        found += [task["id"] for task in page["items"]]
        if page["cursor"] is None:
            return found
        query["cursor"] = page["cursor"]


@pytest.fixture
def tasks(client: httpx2.Client, worker: ManualWorker) -> dict[str, list[str]]:
    """Submit tasks and return their ids by state, in the order of acceptance."""
    ids = {"queued": [client.post(ECHO, json={}).json()["id"] for _ in range(7)]}
    ids["scheduled"] = [client.post(f"{ECHO}?delay=60", json={}).json()["id"] for _ in range(3)]
    ids["succeeded"] = [client.post(ECHO, json={}).json()["id"] for _ in range(5)]
    for id in ids["succeeded"]:
        worker.finish(worker.claim(id))
    ids["running"] = [client.post("/v1/tasks/push.send", json={"token": "t"}).json()["id"]]
    worker.claim(ids["running"][0])
    return ids


def test_every_task_is_listed_once(client: httpx2.Client, tasks: dict[str, list[str]]) -> None:
    everything = sorted(id for ids in tasks.values() for id in ids)
    for limit in (1, 3, 500):
        assert sorted(every(client, limit=limit)) == everything


def test_a_state_is_listed_newest_first(client: httpx2.Client, tasks: dict[str, list[str]]) -> None:
    for state, ids in tasks.items():
        assert sorted(every(client, state=state, limit=2)) == sorted(ids)
    assert every(client, state="queued", limit=2) == tasks["queued"][::-1]
    assert every(client, state="dead") == []


def test_a_contract_is_listed(client: httpx2.Client, tasks: dict[str, list[str]]) -> None:
    assert every(client, contract="push.send") == tasks["running"]
    assert every(client, contract="no.such") == []


def test_the_packs_of_a_batch_are_listed(client: httpx2.Client, tasks: dict[str, list[str]]) -> None:
    batch = client.post("/v1/batches/push.send", json={"items": [{"token": "t"}] * 7_000}).json()["id"]
    assert every(client, batch=batch, limit=3) == [f"{batch}.{pack}" for pack in range(4)]
    assert every(client, batch=tasks["queued"][0]) == []


def test_contracts(client: httpx2.Client) -> None:
    found = {contract["name"]: contract for contract in client.get("/v1/contracts").json()["items"]}
    assert found.keys() == {contract.name for contract in CATALOGUE}
    push = found["push.send"]
    assert (push["version"], push["queue"], push["policy"]["pack"]) == (1, "bulk", 2000)
    assert push["payload"]["required"] == ["token"]
    assert "category" in push["result"]["properties"]


def test_queues(client: httpx2.Client) -> None:
    client.post(ECHO, json={})
    found = {queue["name"]: queue for queue in client.get("/v1/queues").json()["items"]}
    assert found.keys() == {"high", "default", "bulk", "documents"}
    assert (found["default"]["depth"], found["default"]["served"]) == (1, False)
    assert found["high"]["depth"] == 0


def test_metrics_report_the_counters_of_the_ledger(client: httpx2.Client, tasks: dict[str, list[str]]) -> None:
    lines = client.get("/metrics").text.splitlines()
    assert "handoff_ledger_up 1.0" in lines
    accepted = sum(len(ids) for state, ids in tasks.items() if state != "running")
    assert f'handoff_task_events_total{{contract="system.echo",event="accepted"}} {accepted}.0' in lines
    assert 'handoff_queue_depth{queue="default"} 7.0' in lines
    assert 'handoff_tasks_open{state="scheduled"} 3.0' in lines
    assert 'handoff_task_run_seconds_count{contract="system.echo"} 5.0' in lines
