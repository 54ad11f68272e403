"""Celery's request of a message, which becomes that of each task of its run."""

from types import SimpleNamespace
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, WorkerLostError
from celery import signals
from celery.worker import state

from handoff_ledger import Claim
from handoff_worker.celery_bridge.app import app, process
from handoff_worker.celery_bridge.request import ContractRequest

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


def test_a_process_lost_before_its_acknowledgement_loses_its_running_task(request_of_a: ContractRequest) -> None:
    lost: list[str] = []

    def receive_failure(task_id: str, **_: Any) -> None:
        lost.append(task_id)

    signals.task_failure.connect(receive_failure)
    process.runs.turn(request_of_a.request_dict["run"], Claim("b", 1, 1, 5, "", "", []), 0.1, 1_700_000_000.0)
    try:
        raise WorkerLostError("SIGKILL")
    except WorkerLostError:
        request_of_a.on_failure(ExceptionInfo())
    assert lost == ["b"]
    assert process.runs.held() == []


def test_a_process_killed_for_a_revoke_is_reported_with_its_running_task(request_of_a: ContractRequest) -> None:
    revoked: list[str] = []

    def receive(request: Any, **_: Any) -> None:
        revoked.append(request.id)

    signals.task_revoked.connect(receive)
    process.runs.turn(request_of_a.request_dict["run"], Claim("b", 1, 1, 5, "", "", []), 0.1, 1_700_000_000.0)
    try:
        raise Terminated(-9)
    except Terminated:
        request_of_a.on_failure(ExceptionInfo())
    assert revoked == ["b"]


def test_celerys_list_of_revoked_ids_stops_no_task(request_of_a: ContractRequest) -> None:
    state.revoked.add("a")
    try:
        assert not request_of_a.revoked()
    finally:
        state.revoked.discard("a")
