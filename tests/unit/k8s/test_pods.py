"""What every pod has to have, and what only holds between two files."""

from pathlib import Path

import pytest

from handoff_api.server import GRACE_SECONDS
from handoff_contracts import QUEUES
from handoff_worker import probe
from handoff_worker.settings import Settings as Worker
from tests.unit.k8s.rendering import (
    OVERLAYS,
    Resource,
    bundle,
    component,
    container,
    labels,
    named,
    of_kind,
    pod,
    workloads,
)

SPARE_SECONDS = 15  # between the end of the work and the kill: to record it and to give back the rest
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
EVERY = [
    pytest.param(overlay, each, id=f"{overlay}-{each['metadata']['name']}")
    for overlay in OVERLAYS
    for each in workloads(bundle(overlay))
]


@pytest.mark.parametrize(("overlay", "workload"), EVERY)
def test_a_pod_is_restricted(overlay: str, workload: Resource) -> None:
    spec, only = pod(workload), container(workload)
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    user = 999 if component(workload) == "redis" else 10001
    assert {spec["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {user}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert all("sizeLimit" in volume["emptyDir"] for volume in spec["volumes"] if "emptyDir" in volume)
    assert {mount["name"] for mount in only["volumeMounts"]} == {
        *(volume["name"] for volume in spec["volumes"]),
        *(claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])),
    }
    (namespace,) = of_kind(bundle(overlay), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(("overlay", "workload"), EVERY)
def test_a_pod_can_be_moved_without_a_gap(overlay: str, workload: Resource) -> None:
    selector = workload["spec"]["selector"]["matchLabels"]
    assert selector.items() <= labels(workload).items()
    assert [each for each in workloads(bundle(overlay)) if selector.items() <= labels(each).items()] == [workload]
    budget = named(bundle(overlay), "PodDisruptionBudget", workload["metadata"]["name"])["spec"]
    assert budget["selector"]["matchLabels"] == selector
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    if workload["kind"] == "Deployment":
        assert workload["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize(("overlay", "workload"), EVERY)
def test_one_alone_says_how_many_there_are(overlay: str, workload: Resource) -> None:
    name, selector = workload["metadata"]["name"], workload["spec"]["selector"]["matchLabels"]
    scalers = [each for each in of_kind(bundle(overlay), *SCALERS) if each["spec"]["scaleTargetRef"]["name"] == name]
    assert len(scalers) == (component(workload) in ("api", "worker"))
    assert ("replicas" in workload["spec"]) is not bool(scalers)
    if scalers:
        least = scalers[0]["spec"].get("minReplicas") or scalers[0]["spec"]["minReplicaCount"]
        assert least >= (1 if overlay == "overlays/dev" else 2)
        (spread,) = pod(workload)["topologySpreadConstraints"]
        assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
        assert spread["labelSelector"]["matchLabels"] == selector


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_queue_goes_before_what_drains_it_and_that_before_the_dashboard(overlay: str) -> None:
    values = {each["metadata"]["name"]: each["value"] for each in of_kind(bundle(overlay), "PriorityClass")}
    assert sorted(values, key=values.__getitem__, reverse=True) == [
        f"handoff-{name}" for name in ("redis", "api", "worker", "flower")
    ]
    for workload in workloads(bundle(overlay)):
        assert pod(workload)["priorityClassName"] == f"handoff-{component(workload)}"


@pytest.mark.parametrize(("overlay", "workload"), EVERY)
def test_nobody_is_killed_before_the_own_time_is_over(overlay: str, workload: Resource) -> None:
    settings = named(bundle(overlay), "ConfigMap", "handoff-settings")["data"]
    own = {each["name"]: each.get("value") for each in container(workload).get("env", [])}
    soft = (settings | own).get("HANDOFF_SOFT_SHUTDOWN", Worker.model_fields["soft_shutdown"].default)
    needs = {"worker": float(soft), "api": GRACE_SECONDS}.get(component(workload), 0)
    before = container(workload).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert pod(workload)["terminationGracePeriodSeconds"] >= before + needs + SPARE_SECONDS
    assert (before > 0) is (component(workload) == "api"), "proxies have to be told before the API closes"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_queue_has_one_deployment(overlay: str) -> None:
    queues = {
        each["metadata"]["name"]: container(each)["args"][0].removeprefix("--queues=").split(",")
        for each in workloads(bundle(overlay))
        if component(each) == "worker"
    }
    assert queues == {"worker": ["high", "default"], "worker-bulk": ["bulk"], "worker-documents": ["documents"]}
    assert sorted(queue for names in queues.values() for queue in names) == sorted(QUEUES)


def test_a_worker_is_asked_by_the_probe_that_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (worker,) = (each for each in workloads(bundle("overlays/dev")) if each["metadata"]["name"] == "worker")
    file = tmp_path / "ready"
    file.touch()
    monkeypatch.setenv("HANDOFF_WORKER_READY_FILE", str(file))
    for kind, asked in (("startupProbe", "alive"), ("readinessProbe", "ready"), ("livenessProbe", "alive")):
        command = container(worker)[kind]["exec"]["command"]
        assert command == ["python", "-m", probe.__name__, asked]
        monkeypatch.setattr("sys.argv", command[2:])
        assert probe.main() == 0
        assert container(worker)[kind]["timeoutSeconds"] > (6 if asked == "alive" else 2), "to connect, and to be told"
    # Celery waits up to 30 s between two attempts to connect: so long a worker may be silent after an outage.
    liveness = container(worker)["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] > 60
