"""Waits until workloads are ready, and fails early when a pod is stuck."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from deploy.diagnostics import explain, is_ready, stuck, unready
from deploy.errors import Failed
from deploy.kubectl import Kubectl
from deploy.objects import Obj, named, of_kind, title
from deploy.steps import print_detail, print_step

STUCK_SECONDS = 20.0  # time that a stuck pod gets for a late image or Secret
STALLED_SECONDS = 240.0  # time without one more ready pod: enough for a new node or a slow start
POLL_SECONDS = 1.0
KINDS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The present state of a workload."""

    name: str
    ready: int = 0
    desired: int = 0
    done: bool = False
    stall_reason: str = ""  # why its controller reports no progress
    newest: Sequence[Obj] = field(default_factory=list)  # pods of the newest revision
    older: Sequence[Obj] = field(
        default_factory=list
    )  # only of a StatefulSet, whose controller never replaces a stuck pod


class Rollout:
    def __init__(self, kubectl: Kubectl, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kubectl = kubectl
        self._clock = clock

    def progress(self, objects: Iterable[Obj]) -> list[Progress]:
        """Return the progress of each workload among the objects."""
        live = self._kubectl.list("deployments", "statefulsets", "replicasets", "pods")
        return [progress(obj, live) for obj in of_kind(objects, *KINDS)]

    def wait(self, objects: Sequence[Obj]) -> None:
        """Wait until the workloads among the objects are ready.

        Raises:
            Failed: a pod is stuck, or no pod gets ready for too long. The diagnostics are printed.
        """
        if not of_kind(objects, *KINDS):
            return
        since, most, deadline = dict[str, float](), -1, 0.0
        states = self.progress(objects)
        while waiting := [state for state in states if not state.done]:
            reached = sum(is_ready(pod) for state in states for pod in state.newest)
            if reached > most:
                most, deadline = reached, self._clock() + STALLED_SECONDS
            self._fail_if_stuck(waiting, since, deadline)
            for name in (name for state in waiting for name in stuck(state.older)):
                self._kubectl.do("delete", "pod", name, "--ignore-not-found", "--wait=false")
            time.sleep(POLL_SECONDS)
            states = self.progress(objects)
        print_step("Ready: " + ", ".join(f"{state.name} {state.ready}/{state.desired}" for state in states))

    def _fail_if_stuck(self, states: Sequence[Progress], since: dict[str, float], deadline: float) -> None:
        """Raise Failed when a problem lasts too long. `since` stores when each problem began."""
        now = self._clock()
        problems = {state.name: _reason(state) for state in states if state.stall_reason}
        for state in states:
            problems |= stuck(state.newest)
        for name in set(since) - set(problems):
            del since[name]
        lasting = [name for name in problems if now - since.setdefault(name, now) > STUCK_SECONDS]
        if lasting:
            sentence = f"{lasting[0]} does not get ready: {problems[lasting[0]]}"
        elif now > deadline:
            names = ", ".join(state.name for state in states)
            sentence = f"{names}: no further pod got ready in {STALLED_SECONDS:.0f} s: {_reason(states[0])}"
        else:
            return
        print_step("The cluster reports:")
        print_detail("\n".join(explain(self._kubectl, [pod for state in states for pod in state.newest])))
        raise Failed(f"{sentence.rstrip('.')}.")


def _reason(state: Progress) -> str:
    return next(iter(unready(state.newest).values()), state.stall_reason or "it has no pod")


def progress(obj: Obj, live: Sequence[Obj]) -> Progress:
    """Return the progress of a workload, by the rules of `kubectl rollout status`."""
    found = named(live, obj["kind"], obj["metadata"]["name"])
    if found is None:
        return Progress(name=title(obj), stall_reason="it does not exist")
    status, desired = found.get("status", {}), found["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= found["metadata"].get("generation", 1)
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if found["kind"] == "Deployment":
        done = updated == desired == status.get("replicas", 0) == status.get("availableReplicas", 0)
    else:
        done = ready == desired and (
            updated == desired or status.get("currentRevision") == status.get("updateRevision")
        )
    newest, older = _pods(found, live)
    return Progress(
        name=found["metadata"]["name"],
        ready=ready,
        desired=desired,
        done=seen and done,
        stall_reason=_stall_reason(status) if seen else "",
        newest=newest,
        older=older,
    )


def _stall_reason(status: Obj) -> str:
    for condition in status.get("conditions", []):
        if (condition["type"], condition["status"]) in (("Progressing", "False"), ("ReplicaFailure", "True")):
            return str(condition.get("message", condition["type"]))
    return ""


def _pods(workload: Obj, live: Sequence[Obj]) -> tuple[list[Obj], list[Obj]]:
    """Return the pods of the newest revision, and those of a StatefulSet's older revisions."""
    uid, pods = workload["metadata"]["uid"], of_kind(live, "Pod")
    if workload["kind"] == "StatefulSet":
        mine = [pod for pod in pods if _owner(pod) == uid]
        revision = workload.get("status", {}).get("updateRevision")
        older = [pod for pod in mine if pod["metadata"]["labels"].get("controller-revision-hash") != revision]
        return [pod for pod in mine if pod not in older], older
    revision = _revision(workload)
    sets = [rs for rs in of_kind(live, "ReplicaSet") if _owner(rs) == uid and _revision(rs) == revision]
    return [pod for pod in pods if _owner(pod) in {rs["metadata"]["uid"] for rs in sets}], []


def _revision(obj: Obj) -> str:
    return str(obj["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", ""))


def _owner(obj: Obj) -> str:
    return next((str(owner["uid"]) for owner in obj["metadata"].get("ownerReferences", [])), "")
