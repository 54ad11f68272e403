"""How far a workload is, and when to give up on it."""

from itertools import count
from typing import Any

import pytest

from deploy import rollout
from deploy.diagnostics import stuck, unready
from deploy.errors import Failed
from deploy.kubectl import Kubectl
from deploy.objects import Obj
from deploy.rollout import Rollout, progress
from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import overlay, workload

API = workload("api", "handoff-api:1")
REDIS = workload("redis", "redis:8", kind="StatefulSet")
ALL = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "observedGeneration": 3}


def live(obj: Obj, status: dict[str, Any]) -> list[Obj]:
    meta = {**obj["metadata"], "uid": "u", "generation": 3}
    return [{**obj, "metadata": meta, "spec": {**obj["spec"], "replicas": 2}, "status": status}]


@pytest.mark.parametrize(
    ("change", "done"),
    [
        ({}, True),
        ({"observedGeneration": 2}, False),  # the controller has not seen what was applied
        ({"replicas": 3}, False),  # an old pod is left
        ({"updatedReplicas": 1}, False),
        ({"availableReplicas": 1}, False),  # ready, though not for minReadySeconds
    ],
)
def test_a_deployment_is_done_when_only_new_pods_are_there_and_available(change: dict[str, int], done: bool) -> None:
    assert progress(API, live(API, {**ALL, **change})).done is done


@pytest.mark.parametrize(
    ("change", "done"),
    [
        ({"currentRevision": "b"}, True),
        ({"currentRevision": "a", "updatedReplicas": 1}, False),
        ({"currentRevision": "b", "readyReplicas": 1}, False),
        ({"currentRevision": "b", "observedGeneration": 2}, False),
    ],
)
def test_a_stateful_set_is_done_when_its_pods_are_new_and_ready(change: dict[str, Any], done: bool) -> None:
    assert progress(REDIS, live(REDIS, {**ALL, "updateRevision": "b", **change})).done is done


def test_a_workload_that_is_gone_is_not_done() -> None:
    assert progress(API, []).stall_reason == "it does not exist"


def pod(name: str, **status: Any) -> Obj:
    labels = {"controller-revision-hash": "a"}
    owners = [{"uid": "u"}]
    return {"kind": "Pod", "metadata": {"name": name, "labels": labels, "ownerReferences": owners}, "status": status}


WAITING = {"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}
CRASHED = {"name": "main", "restartCount": 2, "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}}}


@pytest.mark.parametrize(
    ("container", "told"),
    [
        (WAITING, "main: ImagePullBackOff: not found"),
        (CRASHED, "main: it keeps restarting, exit code 2 (Error)"),
        ({**CRASHED, "ready": True}, None),
        ({**CRASHED, "restartCount": 1}, None),
        ({"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}}, None),
    ],
)
def test_a_pod_is_stuck(container: Obj, told: str | None) -> None:
    assert stuck([pod("p", containerStatuses=[container])]).get("p") == told


def test_a_pod_that_finds_no_node_says_so() -> None:
    message = "0/1 nodes are available: 1 Insufficient cpu."
    conditions = [{"type": "PodScheduled", "status": "False", "message": message}]
    assert unready([pod("p", conditions=conditions)]) == {"p": message}


def test_a_stuck_pod_of_an_older_revision_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A StatefulSet waits for it for ever, though its template was mended."""
    machine = Machine(overlay)
    status = {**ALL, "readyReplicas": 1, "updateRevision": "b", "currentRevision": "a"}
    stuck_pod = pod("redis-0", containerStatuses=[CRASHED])
    done = live(REDIS, {**ALL, "updateRevision": "b", "currentRevision": "b"})
    lists = iter([[*live(REDIS, status), stuck_pod], done])
    kubectl = Kubectl("lab", "handoff", runner=machine)
    monkeypatch.setattr(kubectl, "list", lambda *kinds: next(lists))
    Rollout(kubectl).wait([REDIS])
    assert machine.cluster.changed == ["delete pod redis-0"]


def test_a_rollout_that_stands_still_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl = Kubectl("lab", "handoff", runner=Machine(overlay))
    still = live(API, {**ALL, "readyReplicas": 0, "availableReplicas": 0})
    monkeypatch.setattr(kubectl, "list", lambda *kinds: still)
    clock = count(0.0, rollout.STALLED_SECONDS / 2)
    with pytest.raises(Failed, match="api: no further pod got ready in 240 s"):
        Rollout(kubectl, clock=lambda: next(clock)).wait([API])
