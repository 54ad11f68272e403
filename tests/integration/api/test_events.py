"""Server-sent events: every change, at most five per second, and always the end."""

import time

import httpx2
from redis import Redis as Client

from handoff_ledger import Failure, State, calls
from process import wait_until
from stack import Redis
from tests.integration.api.manual_worker import LIMITS, ManualWorker
from tests.integration.api.sse import Event, events

ECHO = "/v1/tasks/system.echo"
PUSH = "/v1/batches/push.send"


def subscribed(redis: Client, id: str) -> bool:
    return bool(redis.pubsub_numsub(f"handoff:events:{id}")[0][1])


def read(client: httpx2.Client, path: str, last: bytes | None = None) -> list[Event]:
    """Return all events of a stream that ends."""
    with client.stream("GET", path, headers={} if last is None else {b"Last-Event-ID": last}) as response:
        assert response.status_code == 200
        return list(events(response))


def test_a_task_is_followed_to_its_end(client: httpx2.Client, worker: ManualWorker) -> None:
    task = client.post(ECHO, json={}).json()
    with client.stream("GET", task["links"]["events"]) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events(response)
        first = next(stream)
        assert (first.name, first.id, first.data) == ("task", "1", task)
        claim = worker.claim(task["id"])
        second = next(stream)
        assert (second.name, second.id, second.data["state"]) == ("task", "2", "running")
        worker.finish(claim, {"message": "x"})
        (last,) = stream
    assert (last.name, last.data["state"], last.data["result"]) == ("end", "succeeded", {"message": "x"})


def test_a_task_that_has_ended_gets_its_end_event_at_once(client: httpx2.Client, worker: ManualWorker) -> None:
    task = client.post(ECHO, json={}).json()
    worker.finish(worker.claim(task["id"]))
    with client.stream("GET", task["links"]["events"]) as response:
        assert [event.name for event in events(response)] == ["end"]


def test_a_client_that_has_the_end_event_gets_204(client: httpx2.Client, worker: ManualWorker) -> None:
    """A browser's EventSource reconnects after each end of a stream, until the answer is 204."""
    task, batch = client.post(ECHO, json={}).json(), client.post(PUSH, json={"items": [{"token": "t"}]}).json()
    for record, id in ((task, task["id"]), (batch, f"{batch['id']}.0")):
        path = record["links"]["events"]
        worker.ledger.run(calls.fail(worker.claim(id), Failure(code="busy", message=""), LIMITS, State.DEAD))
        (end,) = read(client, path)
        assert end.name == "end"
        answer = client.get(path, headers={"Last-Event-ID": end.id})
        assert (answer.status_code, answer.content) == (204, b"")
        for other in ("1", "", f"{end.id}0", "end-99999999T000000.000000", "\xff"):
            assert read(client, path, other.encode("latin-1")) == [end]


def test_a_task_that_ends_again_has_another_end_event(client: httpx2.Client, worker: ManualWorker) -> None:
    task = client.post(ECHO, json={}).json()
    path = task["links"]["events"]
    worker.ledger.run(calls.fail(worker.claim(task["id"]), Failure(code="busy", message=""), LIMITS, State.DEAD))
    (first,) = read(client, path)
    assert client.post(f"{task['links']['self']}/redrive").status_code == 200
    with client.stream("GET", path, headers={"Last-Event-ID": first.id}) as response:
        stream = events(response)
        assert next(stream).data["state"] == "queued"
        worker.finish(worker.claim(task["id"]), {"message": "x"})
        *_, second = stream
    assert (second.name, second.data["state"]) == ("end", "succeeded")
    assert second.id != first.id
    assert client.get(path, headers={"Last-Event-ID": second.id}).status_code == 204


def test_a_batch_streams_its_progress_and_not_every_item(client: httpx2.Client, worker: ManualWorker) -> None:
    batch = client.post(PUSH, json={"items": [{"token": f"t{number}"} for number in range(250)]}).json()
    with client.stream("GET", batch["links"]["events"]) as response:
        stream = events(response)
        assert next(stream).data == batch
        claim = worker.claim(f"{batch['id']}.0")
        began = time.monotonic()
        for item in range(250):
            worker.deliver(claim, item)
        worker.finish(claim)
        received = list(stream)
        took = time.monotonic() - began
    assert received[-1].name == "end"
    assert received[-1].data["counts"]["succeeded"] == 250
    assert {event.name for event in received[:-1]} <= {"batch"}
    assert len(received) <= 5 * took + 2
    counts = [event.data["counts"]["succeeded"] for event in received]
    assert counts == sorted(counts)


def test_without_listeners_there_is_no_subscription(client: httpx2.Client, redis: Client) -> None:
    task = client.post(ECHO, json={}).json()
    with client.stream("GET", task["links"]["events"]) as response:
        stream = events(response)
        next(stream)
        assert wait_until(lambda: subscribed(redis, task["id"]), 20)
    assert wait_until(lambda: not subscribed(redis, task["id"]), 20)


def test_two_listeners_share_the_subscription(client: httpx2.Client, redis: Client, worker: ManualWorker) -> None:
    task = client.post(ECHO, json={}).json()
    with client.stream("GET", task["links"]["events"]) as one, client.stream("GET", task["links"]["events"]) as other:
        first, second = events(one), events(other)
        assert next(first) == next(second)
        assert wait_until(lambda: redis.pubsub_numsub(f"handoff:events:{task['id']}")[0][1] == 1, 20)
        worker.finish(worker.claim(task["id"]))
        assert list(first)[-1].name == list(second)[-1].name == "end"


def test_a_stream_survives_a_crash_of_redis(client: httpx2.Client, redis_server: Redis, redis_url: str) -> None:
    task = client.post(ECHO, json={}).json()
    with client.stream("GET", task["links"]["events"]) as response:
        stream = events(response)
        assert next(stream).data["state"] == "queued"
        redis_server.kill()
        redis_server.start()
        redis_server.wait_ready()
        worker = ManualWorker(redis_url)
        worker.finish(worker.claim(task["id"]))
        worker.close()
        assert list(stream)[-1].name == "end"


def test_an_end_event_arrives_though_its_notice_was_lost(
    client: httpx2.Client, worker: ManualWorker, redis: Client, redis_server: Redis
) -> None:
    task = client.post(ECHO, json={}).json()
    with client.stream("GET", task["links"]["events"]) as response:
        stream = events(response)
        next(stream)
        assert wait_until(lambda: subscribed(redis, task["id"]), 20)
        redis.client_kill_filter(_type="pubsub")
        worker.finish(worker.claim(task["id"]))
        assert list(stream)[-1].name == "end"
