"""Applies a bundle in the order that its contracts require, waits, prunes, and runs the smoke test."""

from collections.abc import Collection, Mapping, Sequence

from deploy.kubectl import Kubectl
from deploy.lock import Lock
from deploy.objects import KEPT, Key, Obj, key, title
from deploy.records import Bundle
from deploy.rollout import Rollout
from deploy.smoke import smoke
from deploy.steps import print_step

Stage = tuple[str, list[Obj]]


class Release:
    def __init__(self, kubectl: Kubectl, lock: Lock, *, served: Collection[tuple[str, str]]) -> None:
        self._kubectl = kubectl
        self._lock = lock
        self._rollout = Rollout(kubectl)
        self._served = served  # groups and kinds that the cluster serves

    def apply(self, bundle: Bundle, *, before: Collection[str], owned: Mapping[Key, Obj]) -> None:
        """Apply a bundle. `before` are the contracts served until now, `owned` the objects that may exist.

        Raises:
            Failed: a workload does not get ready, or the smoke test fails.
        """
        for name, objects in stages(bundle, before):
            self._lock.check()
            print_step(f"Applying {name}")
            self._kubectl.apply(objects)
            self._rollout.wait(objects)
        self._lock.check()
        self.prune(prune_candidates(owned, bundle.objects))
        smoke(self._kubectl, bundle.objects)

    def prune(self, objects: Sequence[Obj]) -> None:
        known = [obj for obj in objects if key(obj)[:2] in self._served]
        if known:
            self._kubectl.delete(known)
            print_step("Removed " + ", ".join(map(title, known)))


def stages(bundle: Bundle, before: Collection[str]) -> list[Stage]:
    """Return the groups of objects in the order in which to apply them.

    A worker cannot run an unknown contract: workers go first, unless the bundle only removes contracts.
    """
    parts: dict[str, list[Obj]] = {"configuration, policies and Redis": [], "workers": [], "API": [], "Flower": []}
    for obj in bundle.objects:
        parts[_part(obj)].append(obj)
    order = list(parts)
    if set(before) > set(bundle.contracts):
        order[1:3] = ["API", "workers"]
    return [(name, parts[name]) for name in order if parts[name]]


def _part(obj: Obj) -> str:
    name = obj["metadata"]["name"]
    if obj["kind"] == "Deployment":
        if name.partition("-")[0] == "worker":
            return "workers"
        if name in ("api", "flower"):
            return {"api": "API", "flower": "Flower"}[name]
    return "configuration, policies and Redis"


def prune_candidates(owned: Mapping[Key, Obj], objects: Sequence[Obj]) -> list[Obj]:
    """Return the owned objects that the new ones lack, without kinds that contain data."""
    wanted = {key(obj) for obj in objects}
    return [obj for known, obj in owned.items() if known not in wanted and obj["kind"] not in KEPT]
