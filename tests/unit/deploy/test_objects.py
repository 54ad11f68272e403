"""What a deploy reads out of rendered objects."""

from typing import Any

import pytest

from deploy.diff import readable
from deploy.objects import Obj, image_of, key, secret_keys
from deploy.release import prune_candidates
from deploy.report import urls
from tests.unit.deploy.manifests import meta, overlay, workload


def with_pod(**spec: Any) -> list[Obj]:
    obj = workload("api", "handoff-api:1")
    obj["spec"]["template"]["spec"] |= spec
    return [obj]


ITEMS = [{"key": "k", "path": "p"}]


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        ({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}, {"s": set()}),
        ({"volumes": [{"name": "v", "secret": {"secretName": "s", "items": ITEMS}}]}, {"s": {"k"}}),
        ({"volumes": [{"name": "v", "secret": {"secretName": "s", "optional": True}}]}, {}),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s", "items": ITEMS}}]}}]},
            {"s": {"k"}},
        ),
        ({"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "s"}}]}}]}, {}),
        ({"containers": [{"image": "a:1", "envFrom": [{"secretRef": {"name": "s"}}]}]}, {"s": set()}),
        (
            {"initContainers": [{"image": "a:1", "env": [{"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]},
            {"s": {"k"}},
        ),
    ],
)
def test_the_secrets_that_pods_need(spec: dict[str, Any], needed: dict[str, set[str]]) -> None:
    assert secret_keys(with_pod(**spec)) == needed


@pytest.mark.parametrize(
    "made",
    [
        {"kind": "Secret", "metadata": {"name": "s"}},
        {"kind": "ExternalSecret", "metadata": {"name": "s"}, "spec": {}},
        {"kind": "ExternalSecret", "metadata": {"name": "other"}, "spec": {"target": {"name": "s"}}},
    ],
)
def test_a_secret_that_comes_with_the_bundle_is_not_needed_before(made: Obj) -> None:
    pod = with_pod(volumes=[{"name": "v", "secret": {"secretName": "s"}}])
    assert secret_keys([*pod, made]) == {}


@pytest.mark.parametrize(
    "image",
    [
        "handoff-api:1",
        "registry:5000/team/handoff-api:1",
        "registry:5000/handoff-api@sha256:0",
        "r/handoff-api:1@sha256:0",
    ],
)
def test_the_image_of_a_service(image: str) -> None:
    assert image_of([workload("x", "r/not-handoff-api:1"), workload("api", image)], "handoff-api") == image


def test_another_version_of_an_api_is_the_same_object() -> None:
    old = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": meta("api")}
    new = {**old, "apiVersion": "autoscaling/v2"}
    assert prune_candidates({key(old): old}, [new]) == []


def test_public_urls() -> None:
    rules = [{"host": "api.example.com"}, {"host": "flower.example.com"}]
    ingress = {"kind": "Ingress", "spec": {"rules": rules, "tls": [{"hosts": ["api.example.com"]}]}}
    route = {"kind": "HTTPRoute", "spec": {"hostnames": ["api.example.com"]}}
    assert urls([ingress, route]) == ["https://api.example.com", "http://flower.example.com"]
    assert urls(overlay({})) == []


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("v1.Service.handoff.api", "Service api"),
        ("apps.v1.Deployment.handoff.worker-bulk", "Deployment worker-bulk"),
        ("networking.k8s.io.v1.NetworkPolicy.handoff.dns", "NetworkPolicy dns"),
        ("keda.sh.v1alpha1.ScaledObject.handoff.worker", "ScaledObject worker"),
        ("scheduling.k8s.io.v1.PriorityClass..handoff-api", "PriorityClass handoff-api"),
    ],
)
def test_a_diffs_file_as_words(file: str, told: str) -> None:
    assert readable(file) == told
