"""The smallest overlay that has all a deploy looks at."""

from collections.abc import Mapping
from typing import Any

from deploy.objects import Obj

CORE = {"apiVersion": "v1"}
APPS = {"apiVersion": "apps/v1"}


def meta(name: str, **more: Any) -> Obj:
    return {"name": name, "namespace": "handoff", "labels": {"app.kubernetes.io/name": name}, **more}


def workload(name: str, image: str, secret: str = "", kind: str = "Deployment") -> Obj:
    labels = {"app.kubernetes.io/name": name}
    spec: Obj = {"containers": [{"name": "main", "image": image}]}
    if secret:
        source, _, item = secret.partition("/")
        items = [{"key": item, "path": item}]
        spec["volumes"] = [{"name": "s", "projected": {"sources": [{"secret": {"name": source, "items": items}}]}}]
    template = {"metadata": {"labels": labels}, "spec": spec}
    named = {"serviceName": name} if kind == "StatefulSet" else {}
    return {
        **APPS,
        "kind": kind,
        "metadata": meta(name),
        "spec": {"selector": {"matchLabels": labels}, "template": template, **named},
    }


def config(name: str, value: str) -> Obj:
    return {**CORE, "kind": "ConfigMap", "metadata": meta(name), "data": {"value": value}}


def overlay(images: Mapping[str, str]) -> list[Obj]:
    """Its objects, with our images as kustomize was told to name them."""
    api, worker, flower = (images.get(name, name) for name in ("handoff-api", "handoff-worker", "handoff-flower"))
    service = {"selector": {"app.kubernetes.io/name": "api"}, "ports": [{"port": 80}]}
    return [
        {**CORE, "kind": "Namespace", "metadata": {"name": "handoff"}},
        config("handoff-settings", "1"),
        {**CORE, "kind": "Service", "metadata": meta("api"), "spec": service},
        workload("redis", "redis:8", "handoff-redis/users.acl", kind="StatefulSet"),
        workload("api", api, "handoff-api/HANDOFF_API_KEYS"),
        workload("worker", worker, "handoff-redis-urls/worker"),
        workload("worker-bulk", worker, "handoff-redis-urls/worker"),
        workload("flower", flower, "handoff-flower/FLOWER_BASIC_AUTH"),
    ]


def add_config(images: Mapping[str, str]) -> list[Obj]:
    """The same with one more ConfigMap."""
    return [*overlay(images), config("handoff-new", "2")]
