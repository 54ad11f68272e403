"""Settings and secrets that the manifests name against those that the services read."""

import re
from pathlib import PurePath

import pytest
from pydantic.fields import FieldInfo

from handoff_api.settings import Settings as Api
from handoff_common.settings import SECRETS, SharedSettings
from handoff_flower.settings import Settings as Flower
from handoff_ledger.acl import RULES
from handoff_worker.settings import Settings as Worker
from tests.unit.k8s.rendering import OVERLAYS, Resource, bundle, component, container, named, of_kind, pod, workloads

SERVICES: dict[str, type[SharedSettings]] = {"api": Api, "worker": Worker, "flower": Flower}
OURS = [
    pytest.param(overlay, each, id=f"{overlay}-{each['metadata']['name']}")
    for overlay in OVERLAYS
    for each in workloads(bundle(overlay))
    if component(each) in SERVICES
]


def names(settings: type[SharedSettings]) -> set[str]:
    """The variables by which a service's settings are set."""

    def name(field: str, info: FieldInfo) -> str:
        return info.validation_alias if isinstance(info.validation_alias, str) else f"HANDOFF_{field.upper()}"

    return {name(field, info) for field, info in settings.model_fields.items()}


def kept() -> dict[str, set[str]]:
    """The keys of each Secret, as the store elsewhere has to hold them."""
    resources = bundle("tests/connected")
    return {
        each["metadata"]["name"]: {entry["secretKey"] for entry in each["spec"]["data"]}
        for each in of_kind(resources, "ExternalSecret")
    }


@pytest.mark.parametrize(("overlay", "workload"), OURS)
def test_a_service_is_told_only_what_it_knows(overlay: str, workload: Resource) -> None:
    known = names(SERVICES[component(workload)])
    (source,) = container(workload)["envFrom"]
    assert re.fullmatch(r"handoff-settings-[a-z0-9]{10}", source["configMapRef"]["name"]), "a change makes new pods"
    settings = named(bundle(overlay), "ConfigMap", "handoff-settings")["data"]
    assert settings.keys() <= known
    assert settings["HANDOFF_ENV"] == "production"
    assert {each["name"] for each in container(workload).get("env", [])} <= known


@pytest.mark.parametrize(("overlay", "workload"), OURS)
def test_a_service_finds_its_secrets_and_no_one_elses(overlay: str, workload: Resource) -> None:
    service = component(workload)
    (mount,) = (each for each in container(workload)["volumeMounts"] if each["name"] == "secrets")
    assert PurePath(mount["mountPath"]) == SECRETS
    (volume,) = (each["projected"] for each in pod(workload)["volumes"] if each["name"] == "secrets")
    assert volume["defaultMode"] == 0o440
    files: set[str] = set()
    for source in volume["sources"]:
        secret = source["secret"]
        items = secret.get("items") or [{"key": key, "path": key} for key in kept()[secret["name"]]]
        assert {item["key"] for item in items} <= kept()[secret["name"]]
        if secret["name"] == "handoff-redis-urls":
            assert items == [{"key": service, "path": "CELERY_BROKER_URL"}]
            assert service in RULES
        files |= {item["path"] for item in items}
    assert (
        files
        == {
            "api": {"CELERY_BROKER_URL", "HANDOFF_API_KEYS", "HANDOFF_API_KEY_PEPPER"},
            "worker": {"CELERY_BROKER_URL"},
            "flower": {"CELERY_BROKER_URL", "FLOWER_BASIC_AUTH", "FLOWER_COOKIE_SECRET"},
        }[service]
    )
    assert files <= names(SERVICES[service])


def test_no_secret_is_in_an_environment() -> None:
    for workload in workloads(bundle("overlays/production")):
        assert not any("secretKeyRef" in each.get("valueFrom", {}) for each in container(workload).get("env", []))
        assert not any("secretRef" in each for each in container(workload).get("envFrom", []))
