"""What the public hosts answer, and what they never may."""

from collections.abc import Callable

import pytest

from tests.unit.k8s.rendering import bundle, named
from tests.unit.k8s.served import api_paths, flower_pages

FOR_DEVELOPMENT = {"/", "/docs", "/docs/assets/{name}", "/openapi.json"}


def ingress(name: str) -> list[tuple[str, str]]:
    (rule,) = named(bundle("tests/connected"), "Ingress", name)["spec"]["rules"]
    return [(path["pathType"], path["path"]) for path in rule["http"]["paths"]]


def gateway(name: str) -> list[tuple[str, str]]:
    rules = named(bundle("tests/connected"), "HTTPRoute", name)["spec"]["rules"]
    assert all(len(rule["matches"]) <= 8 for rule in rules)  # the API's limit for a rule
    paths = [match["path"] for rule in rules for match in rule["matches"]]
    return [(path["type"].removeprefix("Path"), path["value"]) for path in paths]


def routed(routes: list[tuple[str, str]], path: str) -> bool:
    """As Ingress and Gateway API define it: a prefix goes by whole elements of the path."""
    return any(
        path == route or (kind == "Prefix" and path.startswith(route.removesuffix("/") + "/")) for kind, route in routes
    )


@pytest.mark.parametrize("by", [ingress, gateway])
def test_clients_reach_the_api_and_nothing_beside_it(by: Callable[[str], list[tuple[str, str]]]) -> None:
    hidden = {path for path in api_paths() if not routed(by("api"), path)}
    assert hidden == {"/livez", "/readyz", "/metrics", *FOR_DEVELOPMENT}
    assert not any(routed(by("api"), path) for path in ("/", "/v10", "/metrics/", "/pushed"))


@pytest.mark.parametrize("by", [ingress, gateway])
def test_the_dashboard_is_reached_and_nothing_beside_it(by: Callable[[str], list[tuple[str, str]]]) -> None:
    hidden = {page for page in flower_pages() if not routed(by("flower"), page)}
    # The dashboard is read-only: of Flower's API it calls one thing, for its button "refresh".
    api = {page for page in flower_pages() if page.startswith("/api/")} - {"/api/workers"}
    assert hidden == {"/metrics", "/healthcheck", *api}
    assert len(api) > 10
    assert not any(routed(by("flower"), path) for path in ("/metrics/", "/healthcheck/", "/healthcheck/x"))


def test_hosts_are_said_once() -> None:
    resources = bundle("tests/connected")
    hosts = {"api": "handoff.example.com", "flower": "flower.handoff.example.com"}
    for name, host in hosts.items():
        spec = named(resources, "Ingress", name)["spec"]
        assert [rule["host"] for rule in spec["rules"]] == spec["tls"][0]["hosts"] == [host]
        assert "annotations" not in named(resources, "Ingress", name)["metadata"]
        assert named(resources, "HTTPRoute", name)["spec"]["hostnames"] == [host]
        assert spec["tls"][0]["secretName"] == named(resources, "Certificate", "handoff-tls")["spec"]["secretName"]
    assert named(resources, "Certificate", "handoff-tls")["spec"]["dnsNames"] == list(hosts.values())
