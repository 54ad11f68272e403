"""Batches over HTTP: accepted whole or not at all, read item by item, cancelled."""

from typing import Any

import httpx2
from redis import Redis

from handoff_contracts.tasks.push_send import PUSH_SEND
from tests.integration.api.manual_worker import ManualWorker

PUSH = "/v1/batches/push.send"
PACK = PUSH_SEND.policy.pack


def tokens(count: int) -> list[dict[str, Any]]:
    return [{"token": f"token-{number}"} for number in range(count)]


def items(client: httpx2.Client, batch: str, **query: Any) -> list[dict[str, Any]]:
    """Return all items, read page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = client.get(f"/v1/batches/{batch}/items", params=query).json()
        found += page["items"]
        if page["cursor"] is None:
            return found
        query["cursor"] = page["cursor"]


def test_a_batch_can_be_read_until_its_end(client: httpx2.Client, worker: ManualWorker) -> None:
    answer = client.post(PUSH, json={"common": {"title": "Hi"}, "items": tokens(PACK + 1)})
    assert answer.status_code == 202
    batch = answer.json()
    assert batch["links"]["self"] == answer.headers["Location"] == f"/v1/batches/{batch['id']}"
    assert (batch["state"], batch["total"], batch["counts"]["queued"]) == ("open", PACK + 1, PACK + 1)
    assert client.get(answer.headers["Location"]).json() == batch
    claim = worker.claim(f"{batch['id']}.0")
    worker.deliver(claim, *range(PACK))
    worker.finish(claim)
    halfway = client.get(answer.headers["Location"]).json()
    assert (halfway["state"], halfway["counts"]["succeeded"], halfway["counts"]["queued"]) == ("open", PACK, 1)
    claim = worker.claim(f"{batch['id']}.1")
    worker.deliver(claim, 0)
    worker.finish(claim)
    ended = client.get(answer.headers["Location"]).json()
    assert (ended["state"], ended["counts"]["succeeded"]) == ("ended", PACK + 1)
    assert ended["finished_at"] >= ended["created_at"]


def test_payloads_are_stored_once_and_are_in_no_message(client: httpx2.Client, redis: Redis) -> None:
    batch = client.post(PUSH, json={"common": {"title": "Hi"}, "items": tokens(PACK + 50)}).json()["id"]
    assert redis.get(f"handoff:common:{batch}") == '{"title":"Hi"}'
    assert [str(redis.get(f"handoff:payload:{batch}.{pack}")).count("token-") for pack in (0, 1)] == [PACK, 50]
    messages = redis.lrange("bulk", 0, -1)
    assert len(messages) == 2
    assert "token" not in str(messages)


def test_with_one_wrong_item_no_item_is_accepted(client: httpx2.Client, redis: Redis) -> None:
    wrong = [*tokens(9_999), {"token": ""}]
    answer = client.post(PUSH, json={"items": wrong})
    assert answer.status_code == 422
    assert [fault["path"] for fault in answer.json()["errors"]] == ["items[9999].token"]
    assert redis.keys("handoff:[btpcq]*") == []
    assert redis.llen("bulk") == 0


def test_items_are_paged_and_filtered(client: httpx2.Client, worker: ManualWorker) -> None:
    batch = client.post(PUSH, json={"items": tokens(2 * PACK + 100)}).json()["id"]
    claim = worker.claim(f"{batch}.1")
    worker.deliver(claim, 0, 5, PACK - 1)
    every = items(client, batch, limit=177)
    assert [item["index"] for item in every] == list(range(2 * PACK + 100))
    assert every[-1]["item"] == {"token": f"token-{2 * PACK + 99}"}
    delivered = items(client, batch, state="succeeded", limit=2)
    assert [item["index"] for item in delivered] == [PACK, PACK + 5, 2 * PACK - 1]
    assert delivered[0]["result"] == {"provider": "log", "category": "delivered"}
    assert len(items(client, batch, state="running", limit=500)) == PACK - 3
    assert items(client, batch, state="failed") == []


def test_a_batch_is_cancelled(client: httpx2.Client, worker: ManualWorker) -> None:
    batch = client.post(PUSH, json={"items": tokens(2 * PACK)}).json()["id"]
    running = worker.claim(f"{batch}.0")
    answer = client.delete(f"/v1/batches/{batch}")
    assert answer.status_code == 200
    assert (answer.json()["counts"]["cancelled"], answer.json()["counts"]["running"]) == (PACK, PACK)
    worker.finish(running)
    assert client.delete(f"/v1/batches/{batch}").json()["state"] == "ended"


def test_a_batch_is_accepted_once(client: httpx2.Client, redis: Redis) -> None:
    headers = {"Idempotency-Key": "newsletter 12"}
    first = client.post(PUSH, json={"items": tokens(3)}, headers=headers)
    assert client.post(PUSH, json={"items": tokens(3)}, headers=headers).json() == first.json()
    assert redis.llen("bulk") == 1
    for body in ({"items": tokens(4)}, {"items": tokens(3), "common": {"title": "x"}}):
        answer = client.post(PUSH, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_conflict")


def test_an_unknown_batch(client: httpx2.Client) -> None:
    task = client.post("/v1/tasks/system.echo", json={}).json()["id"]
    for id in (task, "01m81kyxp83h24cxpb262dbs7x", "x"):
        for answer in (
            client.get(f"/v1/batches/{id}"),
            client.delete(f"/v1/batches/{id}"),
            client.get(f"/v1/batches/{id}/items"),
            client.get(f"/v1/batches/{id}/events"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_batch")


def test_the_answer_names_the_time_that_accepting_took(client: httpx2.Client) -> None:
    """`make bench ONLY=batch` compares this time with its target."""
    body = {"common": {"title": "Hi", "body": "there"}, "items": tokens(10_000)}
    answer = client.post(PUSH, json=body)
    assert answer.status_code == 202
    assert float(answer.headers["Server-Timing"].removeprefix("accept;dur=")) > 0


def test_a_hundred_thousand_items(client: httpx2.Client) -> None:
    answer = client.post(PUSH, json={"items": tokens(100_000)})
    assert answer.status_code == 202
    assert answer.json()["counts"]["queued"] == 100_000
