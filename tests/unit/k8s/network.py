"""Who may talk to whom, as Kubernetes reads network policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from tests.unit.k8s.rendering import Resource

HERE = "handoff"
NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Pod:
    """A pod of ours, or with the labels of its namespace one elsewhere."""

    labels: Mapping[str, str]
    namespace: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Address:
    """A place outside of the cluster."""

    ip: str


End = Pod | Address


def allowed(policies: list[Resource], source: End, target: End, port: int) -> bool:
    """Whether a TCP connection is let out at its source and in at its target."""
    return _passes(policies, "Egress", source, target, port) and _passes(policies, "Ingress", target, source, port)


def _passes(policies: list[Resource], way: str, at: End, other: End, port: int) -> bool:
    if isinstance(at, Address) or at.namespace is not None:
        return True  # other namespaces have policies of their own
    specs = [each["spec"] for each in policies]
    mine = [spec for spec in specs if way in spec["policyTypes"] and _selects(spec["podSelector"], at.labels)]
    peers, rules = ("to", "egress") if way == "Egress" else ("from", "ingress")
    return not mine or any(
        any(_peer(peer, other) for peer in rule[peers]) and any(_port(each, port) for each in rule["ports"])
        for spec in mine
        for rule in spec.get(rules, [])
    )


def _peer(peer: dict[str, Any], end: End) -> bool:
    if block := peer.get("ipBlock"):
        if isinstance(end, Pod) or ip_address(end.ip).version != ip_network(block["cidr"]).version:
            return False
        address = ip_address(end.ip)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(each) for each in block.get("except", [])
        )
    if isinstance(end, Address):
        return False
    if "namespaceSelector" in peer:
        namespace = {"kubernetes.io/metadata.name": HERE} if end.namespace is None else end.namespace
        return _selects(peer["namespaceSelector"], namespace) and _selects(peer.get("podSelector", {}), end.labels)
    return end.namespace is None and _selects(peer["podSelector"], end.labels)


def _port(each: dict[str, Any], port: int) -> bool:
    first = each.get("port")
    return each["protocol"] == "TCP" and (first is None or first <= port <= each.get("endPort", first))


def _selects(selector: dict[str, Any], labels: Mapping[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        {"In": labels.get(each["key"]) in each["values"]}[each["operator"]]
        for each in selector.get("matchExpressions", [])
    )
