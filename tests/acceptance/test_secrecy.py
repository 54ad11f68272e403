"""What a client sends stays in the ledger: not in messages, events, logs, metrics or Flower."""

import base64
import json
import signal
import threading
from typing import Self

import httpx2
import pytest
from redis import Redis as Client

from handoff_contracts import CATALOGUE
from process import wait_until
from stack import Stack

TOKEN, TITLE, TEXT, DATA = "pl4nted-token", "pl4nted-title", "pl4nted-body", "pl4nted-data"
ITEMS = CATALOGUE["push.send"].policy.pack + 50  # two packs
TABLE = "/tasks/datatable?draw=1&start=0&length=1000&order[0][column]=0"
COMMON = {"title": TITLE, "body": TEXT, "data": {"key": DATA}}


def readable(entry: str) -> str:
    """An entry of a list or a channel, with the body of a message as text: kombu writes it in base64."""
    if '"body_encoding"' not in entry:
        return entry
    message = json.loads(entry)
    assert message["properties"]["body_encoding"] == "base64"
    return f"{entry} {base64.b64decode(message['body']).decode()}"


class Listener:
    """Everything that is published on a Redis, channels included."""

    def __init__(self, url: str) -> None:
        self._client = Client.from_url(url, decode_responses=True)
        self._subscription = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py's
        self._subscription.psubscribe("*")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self.heard: list[str] = []

    def _listen(self) -> None:
        while not self._ended.is_set():
            if message := self._subscription.get_message(timeout=0.1):
                self.heard.append(f"{message['channel']} {readable(message['data'])}")

    def events(self, kind: str, id: str) -> int:
        """How many of Celery's events of a kind there were about a task."""
        return sum("celeryev" in text and kind in text and id in text for text in list(self.heard))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._subscription.close()
        self._client.close()


class Seen:
    """What every place showed while planted work went through."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self.ids: list[str] = []
        self.batch = ""


def lists(redis: Client) -> str:
    """The content of every list, the queues' among them."""
    keys = [key for key in redis.scan_iter() if redis.type(key) == "list"]
    return str({key: [readable(str(entry)) for entry in redis.lrange(key, 0, -1)] for key in keys})


def hand_in(client: httpx2.Client, seen: Seen) -> None:
    """Planted work of every kind, some of which is refused."""
    accepted = [
        client.post("/v1/tasks/push.send", json={"token": TOKEN, **COMMON}),
        client.post(f"/push/{TOKEN}"),
        client.get(f"/push/{TOKEN}"),
    ]
    items = [{"token": f"{TOKEN}-{at}"} for at in range(ITEMS)]
    batch = client.post("/v1/batches/push.send", json={"common": COMMON, "items": items})
    for answer in [*accepted, batch]:
        answer.raise_for_status()
    seen.ids = [answer.json()["id"] for answer in accepted]
    seen.batch = batch.json()["id"]
    refused = [
        client.post("/v1/tasks/push.send", json={"token": f"{TOKEN} {TOKEN}"}),
        client.post("/v1/tasks/push.send", json={"token": "t", TOKEN: TOKEN}),
        client.post("/v1/tasks/push.send", content=f'{{"token": "{TOKEN}'.encode()),
        client.post("/v1/batches/push.send", json={"common": {TOKEN: TITLE}, "items": [{"token": TOKEN}]}),
    ]
    assert all(400 <= answer.status_code < 500 for answer in refused)


def succeeded(flower: httpx2.Client, ids: list[str]) -> bool:
    """Whether Flower has heard so of all of them."""
    known = dict(flower.get("/api/tasks", params={"limit": 10_000}).raise_for_status().json())
    return all(known.get(id, {}).get("state") == "SUCCESS" for id in ids)


def flower_pages(flower: httpx2.Client, ids: list[str]) -> dict[str, str]:
    assert wait_until(lambda: succeeded(flower, ids), 30), flower.get("/api/tasks").text
    workers: list[str] = []

    def found() -> bool:  # Flower gives a worker one second to each answer, which a busy machine may not
        workers.extend(flower.get("/api/workers", params={"refresh": True}).raise_for_status().json())
        return bool(workers) and flower.get(f"/worker/{workers[0]}").status_code == httpx2.codes.OK

    assert wait_until(found, 60), "Flower finds no worker"
    paths = ["/tasks", TABLE, "/workers", "/broker", "/metrics", "/api/tasks", "/api/workers", f"/worker/{workers[0]}"]
    paths += [path for id in ids for path in (f"/task/{id}", f"/api/task/info/{id}")]
    pages = {f"Flower {path}": flower.get(path).raise_for_status().text for path in paths}
    assert all(
        id in pages[f"Flower {TABLE}"] and id in pages["Flower /api/tasks"] and id in pages[f"Flower /task/{id}"]
        for id in ids
    )
    return pages


@pytest.fixture(scope="module")
def seen(stack: Stack) -> Seen:
    seen = Seen()
    user, _, password = stack.flower_login.partition(":")
    with (
        Listener(stack.redis_url) as listener,
        httpx2.Client(base_url=stack.api.url, trust_env=False, timeout=30) as client,
        httpx2.Client(base_url=stack.flower.url, auth=(user, password), trust_env=False, timeout=30) as flower,
        Client.from_url(stack.redis_url, decode_responses=True) as redis,
    ):

        def heard_of_a_probe() -> bool:
            id = client.post("/v1/tasks/system.echo", json={}).raise_for_status().json()["id"]
            return wait_until(lambda: listener.events("task-succeeded", id) > 0 and succeeded(flower, [id]), 5)

        assert wait_until(heard_of_a_probe, 30), "the worker sends no events, or Flower hears none"

        stack.worker.signal(signal.SIGSTOP)  # so that the messages are still in their lists
        try:
            hand_in(client, seen)
            seen.places["the broker's lists"] = lists(redis)
        finally:
            stack.worker.signal(signal.SIGCONT)
        assert f"{seen.batch}.1" in seen.places["the broker's lists"]

        ended = [f"/v1/tasks/{id}" for id in seen.ids] + [f"/v1/batches/{seen.batch}"]
        assert wait_until(lambda: all(client.get(path).json()["finished_at"] for path in ended), 30)
        last = seen.ids[0]
        assert wait_until(lambda: listener.events("task-succeeded", last) > 0, 10)
        seen.places |= flower_pages(flower, [*seen.ids, f"{seen.batch}.0", f"{seen.batch}.1"])
        seen.places["the lists, after"] = lists(redis)
        seen.places["the API's metrics"] = client.get("/metrics").raise_for_status().text
        seen.places["what was published"] = "\n".join(listener.heard)
    for process in stack.processes:
        seen.places[f"the log of {process.name}"] = process.log.read_text(errors="replace")
    return seen


def test_the_ledger_alone_holds_what_was_sent(stack: Stack, seen: Seen) -> None:
    with Client.from_url(stack.redis_url, decode_responses=True) as redis:
        sent = json.loads(str(redis.get(f"handoff:payload:{seen.ids[0]}")))
        assert sent["token"] == TOKEN
        assert sent["title"] == TITLE
        assert TITLE in str(redis.get(f"handoff:common:{seen.batch}"))
        assert f"{TOKEN}-{ITEMS - 1}" in str(redis.get(f"handoff:payload:{seen.batch}.1"))
    assert f"{TOKEN}-{ITEMS - 1}" in stack.notification_log.read_text()


def test_every_place_had_something_to_show(seen: Seen) -> None:
    # Redis warns of a machine that may refuse it memory, and says nothing of one that does not.
    assert {name for name, content in seen.places.items() if not content} <= {"the log of redis"}


@pytest.mark.parametrize("planted", [TOKEN, TITLE, TEXT, DATA])
def test_nothing_that_was_sent_is_seen_elsewhere(seen: Seen, planted: str) -> None:
    assert [name for name, content in seen.places.items() if planted in content] == []
