"""Functions on rendered Kubernetes objects, which are dictionaries."""

from collections.abc import Iterable, Iterator
from typing import Any

Obj = dict[str, Any]
Key = tuple[str, str, str, str]  # group, kind, namespace, name

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
KEPT = ("Namespace", "PersistentVolumeClaim", "Secret")  # never pruned, because they contain data


def group_of(obj: Obj) -> str:
    """Return the API group, '' for the core group."""
    group, slash, _ = str(obj["apiVersion"]).partition("/")
    return group if slash else ""


def key(obj: Obj) -> Key:
    meta = obj["metadata"]
    return group_of(obj), obj["kind"], meta.get("namespace", ""), meta["name"]


def title(obj: Obj) -> str:
    return f"{obj['kind']} {obj['metadata']['name']}"


def of_kind(objects: Iterable[Obj], *kinds: str) -> list[Obj]:
    return [obj for obj in objects if obj["kind"] in kinds]


def named(objects: Iterable[Obj], kind: str, name: str) -> Obj | None:
    return next((obj for obj in of_kind(objects, kind) if obj["metadata"]["name"] == name), None)


def pod_specs(objects: Iterable[Obj]) -> Iterator[Obj]:
    """Yield the pod spec of each workload."""
    for obj in of_kind(objects, *WORKLOADS):
        spec = obj["spec"]["jobTemplate"]["spec"] if obj["kind"] == "CronJob" else obj["spec"]
        yield spec["template"]["spec"]


def containers(spec: Obj) -> list[Obj]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def images(objects: Iterable[Obj]) -> list[str]:
    """Every image that the workloads name, each once."""
    return sorted({container["image"] for spec in pod_specs(objects) for container in containers(spec)})


def image_of(objects: Iterable[Obj], repository: str) -> str:
    """The image whose repository ends so. Raises StopIteration when there is none."""
    return next(image for image in images(objects) if _repository(image).rpartition("/")[2] == repository)


def _repository(image: str) -> str:
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def secret_keys(objects: Iterable[Obj]) -> dict[str, set[str]]:
    """The Secrets that pods cannot start without, and the keys in them; those that the bundle makes are left out."""
    objects = list(objects)
    needed: dict[str, set[str]] = {}
    for spec in pod_specs(objects):
        for name, keys in _references(spec):
            needed.setdefault(name, set()).update(keys)
    return {name: keys for name, keys in needed.items() if name not in made_secrets(objects)}


def made_secrets(objects: Iterable[Obj]) -> set[str]:
    """The Secrets that the objects bring, themselves or from a store outside of the cluster."""
    found = of_kind(objects, "Secret", "ExternalSecret")
    return {obj.get("spec", {}).get("target", {}).get("name") or obj["metadata"]["name"] for obj in found}


def _references(spec: Obj) -> Iterator[tuple[str, list[str]]]:
    for volume in spec.get("volumes", []):
        sources = [source.get("secret") for source in volume.get("projected", {}).get("sources", [])]
        for source in [volume.get("secret"), *sources]:
            if source and not source.get("optional"):
                yield source.get("secretName") or source["name"], [item["key"] for item in source.get("items", [])]
    for container in containers(spec):
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference and not reference.get("optional"):
                yield reference["name"], [reference["key"]]
        for source in container.get("envFrom", []):
            reference = source.get("secretRef")
            if reference and not reference.get("optional"):
                yield reference["name"], []
