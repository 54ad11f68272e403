"""Callbacks about gone recipients: signed, sent once, and accepted by the ledger."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook

from handoff_contracts import Contract, Policy
from handoff_contracts.tasks.http_request import HTTP_REQUEST
from handoff_ledger import Limits, State, SyncLedger, calls
from handoff_worker.binding import Binding
from handoff_worker.errors import RecipientGone
from handoff_worker.execution.executor import Executor
from handoff_worker.handlers.http_request import http_request
from handoff_worker.resources import Resources
from handoff_worker.settings import Settings
from tests.integration.providers.http_simulator import HttpSimulator, problem
from tests.integration.worker.bench import Bench
from tests.integration.worker.runs import Answer, Ask

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ASK = Contract(
    name="test.ask",
    version=1,
    payload=Ask,
    result=Answer,
    summary="A test.",
    policy=Policy(pack=10, concurrency=10),
)


async def gone(ask: Ask, _: Resources) -> Answer:
    if ask.text.startswith("dead"):
        raise RecipientGone("fcm:shop", ask.text)
    return Answer(text=ask.text)


class Worker:
    def __init__(self, redis_url: str, folder: Path, limits: Limits, **settings: Any) -> None:
        (folder / "webhook.gone.json").write_text(json.dumps({"secret": SECRET}))
        known = Settings(egress_allow="127.0.0.0/8", apps_dir=folder, **settings)
        self._ledger = SyncLedger(redis_url)
        self._executor = Executor(self._ledger, limits, Resources.open(known, self._ledger), "me", lambda: False)

    def run(self, id: str) -> State | None:
        return self._executor.run(Binding(ASK, gone, asynchronous=True), id).state

    def call_back(self) -> list[str]:
        """Runs the callbacks that wait, and gives their ids."""
        tasks, _ = self._ledger.run(calls.list_tasks(10, contract=HTTP_REQUEST.name))
        waiting = [task.id for task in tasks if task.state is State.QUEUED]
        for id in waiting:
            self._executor.run(Binding(HTTP_REQUEST, http_request, asynchronous=True), id)
        return waiting

    def close(self) -> None:
        self._executor.close()


@pytest.fixture
def worker(redis_url: str, tmp_path: Path, server: HttpSimulator) -> Iterator[Worker]:
    worker = Worker(redis_url, tmp_path, Limits(), gone_callback_url=server.url("/gone"))
    yield worker
    worker.close()


def test_a_single_task_calls_back(worker: Worker, bench: Bench, server: HttpSimulator) -> None:
    id = bench.accept(ASK, {"text": "dead-1"})
    assert worker.run(id) is State.FAILED
    (callback,) = worker.call_back()
    (asked,) = server.asked
    event = Webhook(SECRET).verify(asked.body, dict(asked.headers))
    assert event["type"] == "recipients.gone"
    assert event["data"] == {"recipients": [{"channel": "fcm:shop", "recipient": "dead-1", "task": id}]}
    assert (asked.method, asked.headers["webhook-id"]) == ("POST", callback)
    assert bench.task(callback).state is State.SUCCEEDED
    assert worker.call_back() == []


def test_a_chunk_sends_one_callback_with_all_gone_recipients(
    worker: Worker, bench: Bench, server: HttpSimulator
) -> None:
    batch = bench.accept_batch(ASK, {}, [{"text": text} for text in ("dead-1", "alive", "dead-2", "dead-1")])
    worker.run(f"{batch}.0")
    assert len(worker.call_back()) == 1
    told = json.loads(server.asked[0].body)["data"]["recipients"]
    assert [entry["recipient"] for entry in told] == ["dead-1", "dead-2"]


def test_the_same_recipients_are_posted_once(worker: Worker, bench: Bench, server: HttpSimulator) -> None:
    id = bench.accept(ASK, {"text": "dead-1"})
    worker.run(id)
    bench.ledger.run(calls.redrive(id, Limits(), "me"))
    worker.run(id)
    assert len(worker.call_back()) == 1


def test_a_gone_receiver_gets_no_callback_about_itself(worker: Worker, bench: Bench, server: HttpSimulator) -> None:
    server.script["/gone"] = [problem(410)]
    worker.run(bench.accept(ASK, {"text": "dead-1"}))
    assert len(worker.call_back()) == 1
    assert worker.call_back() == []
    found, _ = bench.ledger.run(calls.list_gone(10))
    assert [entry.channel for entry in found] == ["fcm:shop", "webhook:gone"]


def test_without_a_url_there_is_no_callback(redis_url: str, tmp_path: Path, bench: Bench) -> None:
    worker = Worker(redis_url, tmp_path, Limits())
    worker.run(bench.accept(ASK, {"text": "dead-1"}))
    assert worker.call_back() == []
    worker.close()


def test_a_full_queue_sends_no_callback_but_lists_the_recipient(
    redis_url: str, tmp_path: Path, bench: Bench, server: HttpSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    worker = Worker(redis_url, tmp_path, Limits(queue=1), gone_callback_url=server.url("/gone"))
    id = bench.accept(ASK, {"text": "dead-1"}, queue="bulk")
    bench.accept(ASK, {"text": "waits"}, queue=HTTP_REQUEST.queue.name)
    assert worker.run(id) is State.FAILED
    assert worker.call_back() == []
    assert len(bench.ledger.run(calls.list_gone(10))[0]) == 1
    assert [record.__dict__["event"] for record in caplog.records] == ["gone.not_called_back"]
    worker.close()


def test_a_url_with_a_password_is_refused_at_the_start() -> None:
    with pytest.raises(ValidationError, match="HANDOFF_GONE_CALLBACK_URL must not contain a user"):
        Settings.model_validate({"gone_callback_url": "https://user:word@shop.example/"})
