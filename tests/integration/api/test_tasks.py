"""Tasks over HTTP: accepted once, read, waited for, cancelled."""

import threading
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from redis import Redis

from process import wait_until
from stack import Api
from tests.integration.api.conftest import client_of
from tests.integration.api.manual_worker import ManualWorker

ECHO = "/v1/tasks/system.echo"
FIELDS = {
    *("id", "contract", "version", "state", "queue", "priority", "attempt", "created_at", "started_at", "finished_at"),
    *("progress", "result", "error", "links"),
}


def test_a_task_can_be_read_until_its_end(client: httpx2.Client, worker: ManualWorker) -> None:
    answer = client.post(ECHO, json={"message": "hello"})
    assert answer.status_code == 202
    task = answer.json()
    assert task.keys() >= FIELDS
    assert (task["contract"], task["version"], task["state"], task["queue"]) == ("system.echo", 1, "queued", "default")
    assert task["links"]["self"] == answer.headers["Location"] == f"/v1/tasks/{task['id']}"
    assert client.get(answer.headers["Location"]).json() == task
    worker.finish(worker.claim(task["id"]), {"message": "hello"})
    ended = client.get(answer.headers["Location"]).json()
    assert (ended["state"], ended["result"], ended["attempt"]) == ("succeeded", {"message": "hello"}, 1)
    assert ended["created_at"] <= ended["started_at"] <= ended["finished_at"]


def test_the_accepted_task_equals_the_task_that_is_read(client: httpx2.Client) -> None:
    for query in ("delay=60", "expires_in=60", "priority=bulk", "delay=1.5&expires_in=100&priority=high"):
        answer = client.post(f"{ECHO}?{query}", json={})
        assert answer.status_code == 202
        assert client.get(answer.headers["Location"]).json() == answer.json()


def test_a_task_waits_in_the_chosen_queue(client: httpx2.Client, redis: Redis) -> None:
    assert client.post(f"{ECHO}?priority=high", json={}).json()["queue"] == "high"
    assert redis.llen("high") == 1
    assert client.post("/v1/tasks/push.send", json={"token": "t"}).json()["queue"] == "bulk"


def test_a_task_can_be_scheduled(client: httpx2.Client) -> None:
    due = datetime.now(UTC) + timedelta(hours=2)
    task = client.post(ECHO, params={"run_at": due.isoformat()}, json={}).json()
    assert task["state"] == "scheduled"
    assert abs(datetime.fromisoformat(task["due_at"]) - due) < timedelta(seconds=10)
    past = client.post(ECHO, params={"run_at": "2020-01-01T00:00:00Z"}, json={}).json()
    assert past["state"] == "queued"


def test_an_unknown_id_is_404(client: httpx2.Client) -> None:
    id = "01m81kyxp83h24cxpb262dbs7x"
    for answer in (
        client.get(f"/v1/tasks/{id}"),
        client.delete(f"/v1/tasks/{id}"),
        client.get(f"/v1/tasks/{id}/events"),
        client.get(f"/v1/tasks/{id}.7"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_task")


class TestIdempotency:
    def test_the_same_request_is_accepted_once(self, client: httpx2.Client, worker: ManualWorker, redis: Redis) -> None:
        headers = {"Idempotency-Key": "order 7"}
        first = client.post(ECHO, json={"message": "x"}, headers=headers)
        again = client.post(
            ECHO, content=b' {"message":  "x"}', headers={**headers, "Content-Type": "application/json"}
        )
        assert again.status_code == 202
        assert again.json() == first.json()
        assert redis.llen("default") == 1
        worker.finish(worker.claim(first.json()["id"]), {"message": "x"})
        late = client.post(ECHO, json={"message": "x"}, headers=headers)
        assert (late.json()["id"], late.json()["state"]) == (first.json()["id"], "succeeded")
        assert late.headers["Location"] == first.headers["Location"]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (ECHO, {"message": "y"}),
            ("/v1/tasks/push.send", {"token": "x"}),
            ("/v1/batches/system.echo", {"items": [{"message": "x"}]}),
            (f"{ECHO}?priority=high", {"message": "x"}),
        ],
    )
    def test_another_request_with_the_key_is_refused(
        self, client: httpx2.Client, path: str, body: dict[str, object]
    ) -> None:
        headers = {"Idempotency-Key": "order 7"}
        client.post(ECHO, json={"message": "x"}, headers=headers)
        answer = client.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_conflict")

    def test_a_time_to_run_at_may_be_repeated(self, client: httpx2.Client) -> None:
        headers = {"Idempotency-Key": "order 7"}
        params = {"run_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
        first = client.post(ECHO, params=params, json={}, headers=headers)
        again = client.post(ECHO, params=params, json={}, headers=headers)
        assert again.json() == first.json()

    def test_clients_share_no_keys(self, client: httpx2.Client, api_server: Api) -> None:
        headers = {"Idempotency-Key": "order 7"}
        mine = client.post(ECHO, json={}, headers=headers).json()
        with client_of(api_server.url, "other") as other:
            theirs = other.post(ECHO, json={"message": "x"}, headers=headers)
        assert theirs.status_code == 202
        assert theirs.json()["id"] != mine["id"]


class TestWaiting:
    def test_a_task_that_ends_in_time_is_answered_by_200(
        self, client: httpx2.Client, worker: ManualWorker, redis: Redis
    ) -> None:
        def work() -> None:
            assert wait_until(lambda: redis.zcard("handoff:queued:default") == 1, 20)
            (id,) = redis.zrange("handoff:queued:default", 0, 0)
            worker.finish(worker.claim(str(id)), {"message": "done"})

        thread = threading.Thread(target=work)
        thread.start()
        answer = client.post(ECHO, json={}, headers={"Prefer": "wait=10"})
        thread.join()
        assert answer.status_code == 200
        assert answer.headers["Preference-Applied"] == "wait=10"
        assert answer.json()["result"] == {"message": "done"}
        assert answer.elapsed.total_seconds() < 3

    def test_a_task_that_does_not_end_in_time_is_answered_by_202(self, client: httpx2.Client) -> None:
        answer = client.post(ECHO, json={}, headers={"Prefer": "wait=1"})
        assert (answer.status_code, answer.json()["state"]) == (202, "queued")
        assert 0.9 < answer.elapsed.total_seconds() < 4

    def test_a_replayed_task_that_has_ended_is_answered_at_once(
        self, client: httpx2.Client, worker: ManualWorker
    ) -> None:
        headers = {"Prefer": "wait=10", "Idempotency-Key": "k"}
        task = client.post(ECHO, json={}, headers={"Idempotency-Key": "k"}).json()
        worker.finish(worker.claim(task["id"]))
        answer = client.post(ECHO, json={}, headers=headers)
        assert (answer.status_code, answer.json()["id"]) == (200, task["id"])


class TestCancel:
    def test_a_waiting_task_is_cancelled(self, client: httpx2.Client) -> None:
        for query in ("", "?delay=60"):
            at = client.post(f"{ECHO}{query}", json={}).headers["Location"]
            answer = client.delete(at)
            assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
            assert answer.json()["error"]["code"] == "cancelled"
            assert client.delete(at).json() == answer.json()

    def test_a_running_task_is_asked_to_stop(self, client: httpx2.Client, worker: ManualWorker) -> None:
        id = client.post(ECHO, json={}).json()["id"]
        worker.claim(id)
        task = client.delete(f"/v1/tasks/{id}").json()
        assert (task["state"], task["cancel_requested"]) == ("running", True)

    def test_an_ended_task_stays_unchanged(self, client: httpx2.Client, worker: ManualWorker) -> None:
        id = client.post(ECHO, json={}).json()["id"]
        worker.finish(worker.claim(id))
        assert client.delete(f"/v1/tasks/{id}").json()["state"] == "succeeded"


def test_a_full_queue_is_429(client: httpx2.Client, redis: Redis) -> None:
    for start in range(0, 1_000_000, 50_000):  # the default of HANDOFF_QUEUE_LIMIT
        redis.zadd("handoff:queued:default", {f"f{number}": number for number in range(start, start + 50_000)})
    for path, body in ((ECHO, "{}"), ("/v1/batches/system.echo?priority=default", '{"items": [{}]}')):
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
        assert int(answer.headers["Retry-After"]) > 0
    assert client.post(f"{ECHO}?priority=high", json={}).status_code == 202


def test_the_tutorials_call(client: httpx2.Client, redis: Redis) -> None:
    answer = client.post("/push/my:device-token_1", params={"title": "Hi", "body": "there"})
    assert answer.status_code == 202
    assert answer.json()["message"] == "Notification sent"
    task = client.get(f"/v1/tasks/{answer.json()['id']}").json()
    assert (task["contract"], task["state"]) == ("push.send", "queued")
    payload = redis.get(f"handoff:payload:{task['id']}")
    assert payload == '{"token":"my:device-token_1","title":"Hi","body":"there"}'
    assert "my:device" not in str(redis.lrange("bulk", 0, -1))
