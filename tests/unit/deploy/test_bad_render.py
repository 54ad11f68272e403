"""Manifests that are wrong stop a deploy before any cluster sees them."""

from collections.abc import Callable, Mapping
from functools import partial

import pytest

from deploy.objects import Obj
from deploy.shell import CommandResult
from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import meta, overlay
from tests.unit.deploy.typed import refused

Capture = pytest.CaptureFixture[str]


def added(obj: Obj, images: Mapping[str, str]) -> list[Obj]:
    return [*overlay(images), obj]


def changed(change: Callable[[dict[str, Obj]], object], images: Mapping[str, str]) -> list[Obj]:
    objects = overlay(images)
    change({f"{obj['kind']} {obj['metadata']['name']}": obj for obj in objects})
    return objects


WRONG: dict[str, tuple[Callable[[dict[str, Obj]], object], str]] = {
    "a field that does not exist": (
        lambda by: by["Deployment api"]["spec"].update(replica=1),
        "Deployment api is not valid in Kubernetes 1.36: spec: Additional properties",
    ),
    "a value of a wrong type": (
        lambda by: by["Service api"]["spec"].update(ports="80"),
        "Service api is not valid",
    ),
    "two namespaces": (
        lambda by: by["Deployment flower"]["metadata"].update(namespace="other"),
        "does not put all workloads into one namespace",
    ),
    "no service to smoke": (
        lambda by: by["Service api"]["metadata"].update(name="front"),
        "has no Service api",
    ),
    "the same object twice": (
        lambda by: by["Deployment worker-bulk"]["metadata"].update(name="worker"),
        "Deployment worker is rendered twice",
    ),
    "an image that moves": (
        lambda by: by["StatefulSet redis"]["spec"]["template"]["spec"]["containers"][0].update(image="redis:latest"),
        "The image redis:latest is not pinned",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_render_that_is_not_valid(machine: Machine, capsys: Capture, name: str) -> None:
    change, sentence = WRONG[name]
    machine.overlay = partial(changed, change)
    assert sentence in refused(machine, capsys)


def test_replicas_that_a_scaler_decides(machine: Machine, capsys: Capture) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta("api")}
    scaler["spec"] = {"scaleTargetRef": target, "maxReplicas": 3}
    machine.overlay = lambda images: [
        *changed(lambda by: by["Deployment api"]["spec"].update(replicas=2), images),
        scaler,
    ]
    assert "Deployment api sets replicas, which HorizontalPodAutoscaler api controls" in refused(machine, capsys)


def test_an_overlay_that_does_not_render(machine: Machine, capsys: Capture) -> None:
    machine.fails["kubectl kustomize"] = CommandResult(1, "", "error: accumulating resources: no such file")
    assert "does not render: accumulating resources: no such file." in refused(machine, capsys)


def test_a_component_whose_resources_the_cluster_does_not_know(machine: Machine, capsys: Capture) -> None:
    scaled = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": meta("worker")}
    machine.overlay = partial(added, {**scaled, "spec": {"scaleTargetRef": {"name": "worker"}}})
    assert "The cluster has no ScaledObject of keda.sh" in refused(machine, capsys)
