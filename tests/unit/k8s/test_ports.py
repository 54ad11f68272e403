"""Ports and paths of probes, services and scrapers against what the code serves."""

import re

import pytest

from handoff_api.settings import Settings as Api
from handoff_flower.settings import Settings as Flower
from tests.unit.k8s.rendering import OVERLAYS, Resource, bundle, container, labels, named, of_kind, workloads
from tests.unit.k8s.served import api_paths, flower_pages

SERVES = {
    "api": Api.model_fields["api_port"].default,
    "flower": Flower.model_fields["flower_port"].default,
    "redis": 6379,
}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.fixture(scope="module")
def paths() -> dict[str, set[str]]:
    return {"api": api_paths(), "flower": flower_pages()}


def served(resources: list[Resource], name: str) -> dict[str, int]:
    (workload,) = (each for each in workloads(resources) if each["metadata"]["name"] == name)
    return {port["name"]: port["containerPort"] for port in container(workload)["ports"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_what_is_served(overlay: str, paths: dict[str, set[str]]) -> None:
    asked = {}
    for workload in workloads(bundle(overlay)):
        name, only = workload["metadata"]["name"], container(workload)
        if name in SERVES:
            assert list(served(bundle(overlay), name).values()) == [SERVES[name]]
        for kind in PROBES:
            if get := only.get(kind, {}).get("httpGet"):
                assert get["port"] in served(bundle(overlay), name)
                assert get["path"] in paths[name]
                asked[name, kind] = get["path"]
    # Only readiness asks for Redis: an outage of it restarts nobody, not even one that starts in it.
    assert asked["api", "startupProbe"] == asked["api", "livenessProbe"] == "/livez"
    assert asked["api", "readinessProbe"] == "/readyz"
    assert {asked["flower", kind] for kind in PROBES} == {"/healthcheck"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_lead_to_a_pod_that_listens(overlay: str) -> None:
    resources = bundle(overlay)
    for service in of_kind(resources, "Service"):
        name = service["metadata"]["name"]
        (target,) = (
            each for each in workloads(resources) if service["spec"]["selector"].items() <= labels(each).items()
        )
        assert target["metadata"]["name"] == name
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(served(resources, name))


def test_prometheus_and_keda_read_the_metrics_of_the_api(paths: dict[str, set[str]]) -> None:
    resources = bundle("tests/connected")
    service = named(resources, "Service", "api")
    monitor = named(resources, "ServiceMonitor", "api")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    urls = {
        trigger["metadata"]["url"]
        for each in of_kind(resources, "ScaledObject")
        for trigger in each["spec"]["triggers"]
    }
    (url,) = urls
    host, port, path = re.fullmatch(r"http://([a-z.]+)(:\d+)?(/.*)", url).groups()  # type: ignore[union-attr]
    assert host == f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    assert (port or ":80").removeprefix(":") in {str(each["port"]) for each in service["spec"]["ports"]}
    assert {path, endpoint["path"]} == {"/metrics"} <= paths["api"]
