"""A cluster in memory that understands the kubectl calls of a deploy.

Workloads get ready at once, unless their image is among the broken ones: those crash, and their smoke Jobs fail.
"""

import base64
import json
import threading
from collections.abc import Sequence

from deploy.objects import Obj, group_of, title
from deploy.shell import CommandResult

CHANGING = ("apply", "create", "replace", "delete", "patch")
SERVED = {  # plural, API version, namespaced
    "Namespace": "namespaces v1 false",
    "ConfigMap": "configmaps v1 true",
    "Secret": "secrets v1 true",
    "Service": "services v1 true",
    "Pod": "pods v1 true",
    "PersistentVolumeClaim": "persistentvolumeclaims v1 true",
    "Deployment": "deployments apps/v1 true",
    "StatefulSet": "statefulsets apps/v1 true",
    "ReplicaSet": "replicasets apps/v1 true",
    "Job": "jobs batch/v1 true",
    "Lease": "leases coordination.k8s.io/v1 true",
}


def kind_of(word: str) -> str:
    """The kind that a word on kubectl's command line means."""
    return next(kind for kind, row in SERVED.items() if word in (kind.lower(), row.split()[0]))


class Cluster:
    def __init__(self) -> None:
        self.minor = "36"
        self.broken: set[str] = set()
        self.denied: set[str] = set()  # resources that may not be touched
        self.calls: list[str] = []
        self._objects: dict[str, Obj] = {}
        self._written = 0
        self._turn = threading.Lock()  # one call after the other, as with an API server: locks are kept by threads

    def find(self, kind: str, name: str) -> Obj | None:
        return self._objects.get(f"{kind} {name}")

    def all(self, kind: str) -> list[Obj]:
        return [obj for obj in self._objects.values() if obj["kind"] == kind]

    def put(self, obj: Obj) -> None:
        self._written += 1
        stored: Obj = json.loads(json.dumps(obj))
        for name, value in stored.pop("stringData", {}).items():
            stored.setdefault("data", {})[name] = base64.b64encode(value.encode()).decode()
        stored["metadata"] |= {"resourceVersion": str(self._written), "uid": title(obj)}
        self._objects[title(obj)] = stored

    @property
    def changed(self) -> list[str]:
        """The calls that changed something, without those for the lock."""
        return [call for call in self.calls if call.startswith(CHANGING) and "handoff-deploy" not in call]

    def call(self, words: Sequence[str], input: str) -> CommandResult:
        verb, *rest = words
        options = [word for word in rest if word.startswith("-")]
        names = [word for word in rest if not word.startswith("-")]
        given = _items(input) if input else []
        asked = verb == "create" and "metadata" not in given[0]  # a review of rights, which changes nothing
        self.calls.append("review" if asked else " ".join([verb, *names, *map(title, given)]))
        with self._turn:
            answer: CommandResult = getattr(self, f"_{verb.replace('-', '_')}")(names, options, given)
        return answer

    def _version(self, *_: object) -> CommandResult:
        return _json({"serverVersion": {"major": "1", "minor": self.minor}})

    def _config(self, *_: object) -> CommandResult:
        return CommandResult(0, "lab\n", "")

    def _api_resources(self, *_: object) -> CommandResult:
        return CommandResult(0, "".join(f"{row} {kind}\n" for kind, row in SERVED.items()), "")

    def _get(self, names: list[str], options: list[str], _: list[Obj]) -> CommandResult:
        if names[0] == "events":
            return CommandResult(0, "BackOff: Back-off restarting failed container\n", "")
        if len(names) > 1:
            found = self._seen(kind_of(names[0]), names[1])
            if found is None and "--ignore-not-found" not in options:
                return CommandResult(1, "", "Error from server (NotFound): it is not there")
            return _json(found) if found else CommandResult(0, "", "")
        selector = next((option.partition("=")[2] for option in options if option.startswith("--selector=")), "")
        kinds = [kind_of(word) for word in names[0].split(",")]
        seen = [obj for kind in kinds for obj in self._listed(kind)]
        if "--output=name" in options:
            return CommandResult(0, "".join(f"{obj['kind'].lower()}/{obj['metadata']['name']}\n" for obj in seen), "")
        return _json({"items": [obj for obj in seen if _selected(obj, selector)]})

    def _listed(self, kind: str) -> list[Obj]:
        if kind in ("Pod", "ReplicaSet"):
            made = [self._made(obj) for obj in self.all("Deployment")]
            return [obj for pair in made for obj in pair if obj["kind"] == kind]
        return [seen for obj in self.all(kind) if (seen := self._seen(kind, obj["metadata"]["name"]))]

    def _crashes(self, obj: Obj) -> bool:
        return obj["spec"]["template"]["spec"]["containers"][0]["image"] in self.broken

    def _seen(self, kind: str, name: str) -> Obj | None:
        """An object with the status that its controller would give it."""
        obj = self.find(kind, name)
        if obj is None or kind not in ("Deployment", "StatefulSet", "Job"):
            return obj
        if kind == "Job":
            return {**obj, "status": {"failed" if self._crashes(obj) else "succeeded": 1}}
        counted = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = dict.fromkeys(counted, 0 if self._crashes(obj) else 1) | {"observedGeneration": 1}
        return {**obj, "spec": {"replicas": 1, **obj["spec"]}, "status": status}

    def _made(self, obj: Obj) -> tuple[Obj, Obj]:
        """A Deployment's ReplicaSet and pod."""
        name, crashes = obj["metadata"]["name"], self._crashes(obj)
        waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}}
        container = {"name": "main", "ready": not crashes, "restartCount": 4 * crashes, **(waiting if crashes else {})}
        ready = {"type": "Ready", "status": "False" if crashes else "True"}
        pod = {"name": f"{name}-x", "ownerReferences": [{"uid": f"rs {name}"}]}
        replica_set = {"uid": f"rs {name}", "ownerReferences": [{"uid": title(obj)}]}
        status = {"containerStatuses": [container], "conditions": [ready]}
        return {"kind": "ReplicaSet", "metadata": replica_set}, {"kind": "Pod", "metadata": pod, "status": status}

    def _create(self, _: list[str], options: list[str], given: list[Obj]) -> CommandResult:
        if given[0]["kind"] == "SelfSubjectAccessReview":
            return CommandResult(0, "\n".join(json.dumps(self._reviewed(review)) for review in given), "")
        if title(given[0]) in self._objects:
            return CommandResult(1, "", "Error from server (AlreadyExists): it exists")
        return self._apply(_, options, given)

    def _reviewed(self, review: Obj) -> Obj:
        allowed = review["spec"]["resourceAttributes"]["resource"] not in self.denied
        return {**review, "status": {"allowed": allowed}}

    def _replace(self, _: list[str], options: list[str], given: list[Obj]) -> CommandResult:
        present = self._objects.get(title(given[0]))
        if not present or present["metadata"]["resourceVersion"] != given[0]["metadata"].get("resourceVersion"):
            return CommandResult(1, "", "Error from server (Conflict): the object has been modified")
        return self._apply(_, options, given)

    def _apply(self, _: list[str], __: list[str], given: list[Obj]) -> CommandResult:
        for obj in given:
            self.put(obj)
        return CommandResult(0, "", "")

    def _diff(self, _: list[str], __: list[str], given: list[Obj]) -> CommandResult:
        new = [obj for obj in given if not self._same(obj)]
        sections = [f"diff -u -N LIVE/x MERGED/{_file(obj)}\n+changed\n" for obj in new]
        return CommandResult(1 if new else 0, "".join(sections), "")

    def _same(self, obj: Obj) -> bool:
        present = self._objects.get(title(obj))
        return present is not None and all(present.get(field) == obj.get(field) for field in ("spec", "data"))

    def _delete(self, names: list[str], options: list[str], given: list[Obj]) -> CommandResult:
        doomed = [title(obj) for obj in given]
        if names and "/" in names[0]:
            doomed += [f"{kind_of(name.partition('/')[0])} {name.partition('/')[2]}" for name in names]
        elif len(names) > 1:
            doomed += [f"{kind_of(names[0])} {name}" for name in names[1:]]
        elif names:
            selector = next(option.partition("=")[2] for option in options if option.startswith("--selector="))
            doomed += [title(obj) for obj in self.all(kind_of(names[0])) if _selected(obj, selector)]
        for name in doomed:
            self._objects.pop(name, None)
        return CommandResult(0, "", "")

    def _patch(self, names: list[str], options: list[str], _: list[Obj]) -> CommandResult:
        change = json.loads(next(option.partition("=")[2] for option in options if option.startswith("--patch=")))
        obj = self._objects[f"{kind_of(names[0])} {names[1]}"]
        obj["metadata"]["annotations"] |= change["metadata"]["annotations"]
        return CommandResult(0, "", "")

    def _logs(self, names: list[str], *_: object) -> CommandResult:
        return CommandResult(0, f"the log of {names[0]}\n", "")

    def _exec(self, *_: object) -> CommandResult:
        return CommandResult(0, 'handoff_queue_depth{queue="high"} 3.0\n', "")


def _json(document: Obj) -> CommandResult:
    return CommandResult(0, json.dumps(document), "")


def _items(text: str) -> list[Obj]:
    if "\n---\n" in text:
        return [json.loads(part) for part in text.split("\n---\n")]
    document = json.loads(text)
    return list(document["items"]) if document["kind"] == "List" else [document]


def _file(obj: Obj) -> str:
    group = group_of(obj)
    return ".".join(filter(None, [group, "v1", obj["kind"], "handoff", obj["metadata"]["name"]]))


def _selected(obj: Obj, selector: str) -> bool:
    name, _, value = selector.partition("=")
    return not selector or obj["metadata"].get("labels", {}).get(name) == value
