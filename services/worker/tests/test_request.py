"""Celery's request of a message, which becomes that of each task of its run."""

from types import SimpleNamespace
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery import signals

from handoff_ledger import Claim
from handoff_worker.celery import app, process
from handoff_worker.request import ContractRequest

HEADERS = {"id": "a", "task": "system.echo", "root_id": "a", "parent_id": None, "group": None, "retries": 0}


@pytest.fixture
def request_of_a() -> ContractRequest:
    message = SimpleNamespace(
        headers=HEADERS | {"argsrepr": "", "kwargsrepr": "", "ignore_result": True, "lang": "py"},
        body="[]",
        payload=([], {}, {}),
        delivery_info={},
        properties={"correlation_id": "a"},
        content_type="application/json",
        content_encoding="utf-8",
    )
    return ContractRequest(message, app=app, task=app.tasks["system.echo"], hostname="h", eventer=None)


def test_a_process_lost_before_celery_heard_of_it_lost_what_it_ran(request_of_a: ContractRequest) -> None:
    lost: list[str] = []

    def hear(task_id: str, **_: Any) -> None:
        lost.append(task_id)

    signals.task_failure.connect(hear)
    process.runs.turn(request_of_a.request_dict["run"], Claim("b", 1, 1, 5, "", "", []), 0.1, 1_700_000_000.0)
    try:
        raise WorkerLostError("SIGKILL")
    except WorkerLostError:
        request_of_a.on_failure(ExceptionInfo())
    assert lost == ["b"]
    assert process.runs.held() == []
