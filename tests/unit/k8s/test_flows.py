"""Every flow there is has its policy, and no other passes."""

import pytest

from tests.unit.k8s.network import COMPONENT, NAME, Address, End, Pod, allowed
from tests.unit.k8s.rendering import bundle, labels, of_kind, workloads

PODS = {each["metadata"]["name"]: Pod(labels(each)) for each in workloads(bundle("overlays/production"))}
SMOKE = Pod({COMPONENT: "smoke", NAME: "smoke"})
INGRESS = Pod({}, {"kubernetes.io/metadata.name": "gateway", "handoff/ingress": "true"})
PROMETHEUS = Pod({}, {"kubernetes.io/metadata.name": "monitoring", "handoff/monitoring": "true"})
KEDA = Pod({}, {"kubernetes.io/metadata.name": "keda"})
DNS = Pod({}, {"kubernetes.io/metadata.name": "kube-system"})
STRANGER = Pod({COMPONENT: "smoke", NAME: "api"}, {"kubernetes.io/metadata.name": "default"})
ENDS: dict[str, End] = {
    **PODS,
    "smoke": SMOKE,
    "ingress": INGRESS,
    "prometheus": PROMETHEUS,
    "keda": KEDA,
    "dns": DNS,
    "stranger": STRANGER,
    "internet": Address("203.0.114.9"),
    "internet6": Address("2a00:1450:4001::1"),
}
PRIVATE = [
    *("10.96.0.1", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1", "0.1.2.3"),
    *("fd00::1", "fe80::1", "::1", "64:ff9b::a00:1", "2002:a00:1::1", "::ffff:10.0.0.1"),
]
PORTS = {"api": 8000, "flower": 5555, "redis": 6379, "dns": 53, "internet": 443, "internet6": 443}
SERVICES = ("api", "worker", "worker-bulk", "worker-documents", "flower")
BASE = {
    ("ingress", "api"),
    ("ingress", "flower"),
    ("smoke", "api"),
    *((name, "redis") for name in SERVICES),
    *((name, "dns") for name in (*SERVICES, "redis", "smoke")),
    *((name, at) for name in ("worker", "worker-bulk") for at in ("internet", "internet6")),
}
FLOWS = {
    "overlays/dev": BASE,
    "overlays/production": BASE,
    "tests/connected": {flow for flow in BASE if "redis" not in flow} | {("prometheus", "api"), ("keda", "api")},
}


@pytest.mark.parametrize("overlay", FLOWS)
def test_what_flows_is_what_is_said_here(overlay: str) -> None:
    policies = of_kind(bundle(overlay), "NetworkPolicy")
    ours = {name for name, end in ENDS.items() if isinstance(end, Pod) and end.namespace is None}
    there = {
        (source, target)
        for source, start in ENDS.items()
        for target, end in ENDS.items()
        if source != target and (source in ours or target in ours)
        if allowed(policies, start, end, PORTS.get(target, 443))
    }
    if overlay == "tests/connected":
        there = {flow for flow in there if "redis" not in flow}
    assert there == FLOWS[overlay]


@pytest.mark.parametrize("overlay", FLOWS)
@pytest.mark.parametrize("ip", PRIVATE)
def test_nobody_reaches_what_is_private_by_another_port(overlay: str, ip: str) -> None:
    policies = of_kind(bundle(overlay), "NetworkPolicy")
    for pod in PODS.values():
        assert not any(allowed(policies, pod, Address(ip), port) for port in (22, 80, 443, 8080, 10250))


@pytest.mark.parametrize("port", [6379, 6380, 26379])
def test_a_managed_redis_is_reached_and_only_a_private_one(port: int) -> None:
    policies = of_kind(bundle("tests/connected"), "NetworkPolicy")
    for name in SERVICES:
        assert allowed(policies, PODS[name], Address("10.20.30.40"), port)
        assert allowed(policies, PODS[name], Address("203.0.114.9"), port) is (name in ("worker", "worker-bulk"))
    assert not allowed(policies, SMOKE, Address("10.20.30.40"), port)


def test_policies_can_be_left_to_somebody_else() -> None:
    assert of_kind(bundle("tests/everything"), "NetworkPolicy") == []
