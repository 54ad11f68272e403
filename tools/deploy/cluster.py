"""Checks the cluster before a deploy: yields a sentence for each problem."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploy.errors import Refused
from deploy.kubectl import Kubectl, documents
from deploy.lock import holder_sentence
from deploy.objects import Obj, group_of, made_secrets, secret_keys
from deploy.smoke import SECRET, SECRET_KEY

OLDEST_VERSION = (1, 34)
VERBS = ("get", "list", "watch", "create", "patch", "delete")  # for diff, apply, prune and wait
DEPLOY_RIGHTS = {  # rights of the deploy itself, beside those for the bundle's objects
    ("", "secrets"): ("get", "list", "create", "patch", "delete"),
    ("", "pods"): ("get", "list", "delete"),
    ("", "pods/log"): ("get",),
    ("", "events"): ("list",),
    ("apps", "replicasets"): ("list",),
    ("batch", "jobs"): ("get", "list", "watch", "create", "delete"),
    ("coordination.k8s.io", "leases"): ("get", "create", "update", "delete"),
}

MOUNTED_KEYS = {  # keys that services read from a Secret without listed items
    "handoff-api": {"HANDOFF_API_KEY_PEPPER", "HANDOFF_API_KEYS"},
    "handoff-redis": {"users.acl"},
    "handoff-flower": {"FLOWER_BASIC_AUTH", "FLOWER_COOKIE_SECRET"},
    SECRET: {SECRET_KEY},
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object that the cluster serves."""

    name: str  # plural, as in RBAC rules
    namespaced: bool


Served = Mapping[tuple[str, str], Resource]  # by group and kind


def version_of(kubectl: Kubectl) -> str:
    """Return the version of the cluster, like '1.36'.

    Raises:
        Refused: the cluster does not answer, or is too old.
    """
    ran = kubectl.ask("version", "--output=json", "--request-timeout=10s", timeout=20)
    server = json.loads(ran.out or "{}").get("serverVersion") if not ran.code else None
    if not server:
        raise Refused(f"The cluster of the context {kubectl.context} does not answer: {ran.reason}.")
    major, minor = int(server["major"]), int(server["minor"].rstrip("+"))
    if (major, minor) < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        raise Refused(f"The cluster runs Kubernetes {major}.{minor}: Handoff needs {oldest} or newer.")
    return f"{major}.{minor}"


def served_kinds(kubectl: Kubectl) -> Served:
    """Return the kinds that the cluster serves, without API groups whose own server does not answer."""
    found = {}
    for line in kubectl.ask("api-resources", "--no-headers").out.splitlines():
        name, *_, version, namespaced, kind = line.split()
        group, slash, _ = version.partition("/")
        found[group if slash else "", kind] = Resource(name, namespaced == "true")
    return found


def unserved(objects: Iterable[Obj], served: Served) -> Iterator[str]:
    missing = {(group_of(obj), obj["kind"]) for obj in objects} - set(served)
    for group, kind in sorted(missing):
        yield f"The cluster has no {kind} of {group or 'the core'}: install it, or remove its component."


def no_rights(kubectl: Kubectl, objects: Iterable[Obj], served: Served) -> Iterator[str]:
    needed = [(group, name, verb, True) for (group, name), verbs in DEPLOY_RIGHTS.items() for verb in verbs]
    for kind in sorted({(group_of(obj), obj["kind"]) for obj in objects} & set(served)):
        needed += [(kind[0], served[kind].name, verb, served[kind].namespaced) for verb in VERBS]
    reviews = [_review(kubectl.namespace, *right) for right in dict.fromkeys(needed)]
    text = "\n---\n".join(map(json.dumps, reviews))
    answer = kubectl.do("create", "--filename=-", "--output=json", "--validate=false", input=text)
    denied: dict[str, list[str]] = {}
    for review in _reviews(answer):
        if not review["status"]["allowed"]:
            asked = review["spec"]["resourceAttributes"]
            name = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
            denied.setdefault(name, []).append(asked["verb"])
    if denied:
        wanted = "; ".join(f"{', '.join(verbs)} {name}" for name, verbs in denied.items())
        yield f"You lack rights in the namespace {kubectl.namespace}: {wanted}."


def _review(namespace: str, group: str, resource: str, verb: str, namespaced: bool) -> Obj:
    name, _, sub = resource.partition("/")
    asked = {"group": group, "resource": name, "subresource": sub, "verb": verb}
    attributes = {**asked, "namespace": namespace} if namespaced else asked
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    return {**kind, "spec": {"resourceAttributes": attributes}}


def _reviews(answer: str) -> Iterator[Obj]:
    for document in documents(answer):
        yield from document.get("items", [document])


def missing_secrets(kubectl: Kubectl, objects: Sequence[Obj], advice: str) -> Iterator[str]:
    """Yield a sentence for each missing Secret. `advice` is the command that creates Secrets."""
    if kubectl.get("namespace", kubectl.namespace) is None:
        yield f"The namespace {kubectl.namespace} does not exist: `{advice}` creates it and the Secrets."
        return
    there = {secret["metadata"]["name"]: set(secret.get("data", {})) for secret in kubectl.list("secrets")}
    for name, keys in needed_secrets(objects).items():
        if name not in there:
            yield f"The Secret {name} ({', '.join(sorted(keys))}) is missing: run `{advice}`."
        elif lacking := keys - there[name]:
            yield f"The Secret {name} lacks {', '.join(sorted(lacking))}: see `{advice}`."


def needed_secrets(objects: Sequence[Obj]) -> dict[str, set[str]]:
    """Return the keys of each Secret that the bundle and the smoke Job need."""
    smoke: dict[str, set[str]] = {} if SECRET in made_secrets(objects) else {SECRET: set()}
    return {name: keys | MOUNTED_KEYS.get(name, set()) for name, keys in (secret_keys(objects) | smoke).items()}


def locked(kubectl: Kubectl) -> Iterator[str]:
    if sentence := holder_sentence(kubectl):
        yield sentence
