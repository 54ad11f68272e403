"""Secrets are created once, are consistent, and are never printed."""

import base64
import hashlib

import pytest

from deploy.errors import Refused
from deploy.make_secrets import plan
from deploy.objects import Obj
from handoff_api.auth import Keys, parse_entries
from tests.unit.deploy.fake_cluster import Cluster
from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import overlay, workload
from tests.unit.deploy.typed import typed

REDIS = {"handoff-redis", "handoff-redis-urls"}
API = {"handoff-api", "handoff-smoke"}
Capture = pytest.CaptureFixture[str]


def secret(cluster: Cluster, name: str) -> dict[str, str]:
    obj: Obj = cluster.find("Secret", name) or {}
    return {key: base64.b64decode(value).decode() for key, value in obj["data"].items()}


def lets_in(api: dict[str, str], key: str) -> str | None:
    keys = Keys(api["HANDOFF_API_KEY_PEPPER"], parse_entries(api["HANDOFF_API_KEYS"].split(",")))
    return keys.client(f"Bearer {key}".encode())


def test_the_secrets_fit_each_other(machine: Machine) -> None:
    smoke = secret(machine.cluster, "handoff-smoke")["HANDOFF_SMOKE_KEY"]
    assert lets_in(secret(machine.cluster, "handoff-api"), smoke) == "smoke"
    users = secret(machine.cluster, "handoff-redis")["users.acl"]
    urls = secret(machine.cluster, "handoff-redis-urls")
    assert urls.keys() == {"api", "worker", "flower", "admin"}
    for user, url in urls.items():
        password = url.removeprefix(f"redis://{user}:").removesuffix("@redis:6379/0")
        assert f"user {user} reset on #{hashlib.sha256(password.encode()).hexdigest()} " in users


def test_no_value_is_in_a_command_line_or_printed(machine: Machine, capsys: Capture) -> None:
    machine.cluster.call(["delete", "secret", "handoff-flower", "handoff-smoke"], "")
    assert typed(machine, "secrets") == 0
    said = "".join(capsys.readouterr()) + "\n".join(machine.lines)
    for name in ("handoff-api", "handoff-flower", "handoff-redis", "handoff-redis-urls", "handoff-smoke"):
        for value in secret(machine.cluster, name).values():
            assert value not in said


def test_existing_secrets_stay_unchanged(machine: Machine, capsys: Capture) -> None:
    capsys.readouterr()
    before = {obj["metadata"]["name"]: obj["data"] for obj in machine.cluster.all("Secret")}
    assert typed(machine, "secrets") == 0
    assert {obj["metadata"]["name"]: obj["data"] for obj in machine.cluster.all("Secret")} == before
    assert machine.cluster.changed == []
    assert capsys.readouterr().out.count("exists and stays unchanged") == len(before)


def test_users_are_made_anew_from_the_urls() -> None:
    whole = plan(REDIS, {})
    again = plan({"handoff-redis"}, {"handoff-redis-urls": whole["handoff-redis-urls"]})
    assert again == {"handoff-redis": whole["handoff-redis"]}


def test_urls_cannot_be_made_from_hashes() -> None:
    with pytest.raises(Refused, match="handoff-redis contains hashes"):
        plan({"handoff-redis-urls"}, {"handoff-redis": plan(REDIS, {})["handoff-redis"]})


def test_urls_of_an_external_redis_are_not_generated(machine: Machine, capsys: Capture) -> None:
    machine.overlay = lambda images: [*overlay(images)[:3], workload("api", "handoff-api", "handoff-redis-urls/api")]
    machine.cluster.call(["delete", "secret", "handoff-redis", "handoff-redis-urls"], "")
    assert typed(machine, "secrets") == 2
    assert "The Secret handoff-redis-urls (api) can't be generated" in capsys.readouterr().err


def test_a_lost_pepper_takes_the_smoke_key_along() -> None:
    whole = plan(API, {})
    again = plan({"handoff-api"}, {"handoff-smoke": whole["handoff-smoke"]})
    assert again.keys() == {"handoff-api"}
    assert lets_in(dict(again["handoff-api"]), whole["handoff-smoke"]["HANDOFF_SMOKE_KEY"]) == "smoke"


def test_a_lost_smoke_key_is_generated_again(machine: Machine, capsys: Capture) -> None:
    api = secret(machine.cluster, "handoff-api")
    entries = f"{api['HANDOFF_API_KEYS']},shop={'a' * 64}"
    present = {"handoff-api": {**api, "HANDOFF_API_KEYS": entries}}
    made = plan({"handoff-smoke"}, present)
    assert made["handoff-api"]["HANDOFF_API_KEY_PEPPER"] == api["HANDOFF_API_KEY_PEPPER"]
    assert parse_entries(made["handoff-api"]["HANDOFF_API_KEYS"].split(",")).keys() == {"shop", "smoke"}
    assert lets_in(dict(made["handoff-api"]), made["handoff-smoke"]["HANDOFF_SMOKE_KEY"]) == "smoke"

    machine.cluster.call(["delete", "secret", "handoff-smoke"], "")
    assert typed(machine, "secrets") == 0
    key = secret(machine.cluster, "handoff-smoke")["HANDOFF_SMOKE_KEY"]
    assert lets_in(secret(machine.cluster, "handoff-api"), key) == "smoke"
    assert "kubectl rollout restart deployment/api" in capsys.readouterr().out


def test_secrets_that_the_overlay_brings_are_not_made(machine: Machine) -> None:
    kind = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret"}
    external = {
        **kind,
        "metadata": {"name": "x", "namespace": "handoff"},
        "spec": {"target": {"name": "handoff-flower"}},
    }
    machine.overlay = lambda images: [*overlay(images), external]
    machine.cluster.call(["delete", "secret", "handoff-flower"], "")
    assert typed(machine, "secrets") == 0
    assert machine.cluster.find("Secret", "handoff-flower") is None
