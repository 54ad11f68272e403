"""`make secrets`: creates the Secrets that an overlay's pods need. No value is printed or in a command line."""

import base64
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from credentials import new_passwords, new_secret, redis_urls, users_file
from deploy import cluster
from deploy.errors import Refused
from deploy.kubectl import MANAGER, Kubectl
from deploy.objects import Obj, named
from deploy.options import Options
from deploy.render import render
from deploy.shell import Run
from deploy.smoke import SECRET_KEY
from deploy.steps import print_step
from deploy.target import nothing_changed, reach
from handoff_api.auth import digest
from handoff_api.keys import new_key

Values = Mapping[str, str]
REDIS_HOST = "redis:6379"
CANNOT_MAKE = (
    "The Secret {name} ({keys}) can't be generated: create it with `kubectl --namespace={namespace} create secret"
    " generic {name} --from-file=...`."
)


def secrets(run: Run, options: Options) -> None:
    """Create the missing Secrets. Raise Refused after that when one of them cannot be generated."""
    with nothing_changed():
        kubectl = reach(run, options)
        objects = render(run, options.overlay)
        _namespace(kubectl, named(objects, "Namespace", kubectl.namespace))
        present = {secret["metadata"]["name"]: secret for secret in kubectl.list("secrets")}
    needed = cluster.needed_secrets(objects)
    if not needed:
        print_step("The overlay contains its Secrets, so none is created")
    missing = needed.keys() - present.keys()
    for name in sorted(needed.keys() & present.keys()):
        print_step(f"{name} exists and stays unchanged")
    made = plan(missing, {name: _decoded(secret) for name, secret in present.items()})
    for name, values in sorted(made.items()):
        _write(kubectl, name, values, present.get(name))
        print_step(f"{name}: {'added its missing entry' if name in present else 'created'}")
    if impossible := sorted(missing - made.keys()):
        keys = {name: ", ".join(sorted(needed[name])) for name in impossible}
        raise Refused(*(CANNOT_MAKE.format(name=n, keys=keys[n], namespace=kubectl.namespace) for n in impossible))
    if "handoff-api" in present and "handoff-api" in made:
        print_step("A running API needs `kubectl rollout restart deployment/api` to read the Secret")


def plan(missing: set[str], present: Mapping[str, Values]) -> dict[str, Values]:
    """Return the values of the missing Secrets, consistent with the present ones. Others are left out.

    Raises:
        Refused: the Redis users exist, but the URLs with their passwords are lost.
    """
    made: dict[str, Values] = {}
    if "handoff-redis" in missing:
        made |= _redis(present.get("handoff-redis-urls"))
    elif "handoff-redis-urls" in missing and "handoff-redis" in present:
        raise Refused(
            "The Secret handoff-redis contains hashes of passwords from handoff-redis-urls, which is missing: delete"
            " handoff-redis, create both again, and restart everything."
        )
    if "handoff-smoke" in missing or "handoff-api" in missing:
        made |= _keys(present.get("handoff-api"), present.get("handoff-smoke"))
    if "handoff-flower" in missing:
        login = f"handoff:{new_secret()}"
        made["handoff-flower"] = {"FLOWER_BASIC_AUTH": login, "FLOWER_COOKIE_SECRET": new_secret()}
    return made


def _redis(urls: Values | None) -> dict[str, Values]:
    """Return the Redis users, and their URLs unless they exist. `admin` is for operators; no pod mounts it."""
    passwords = new_passwords()
    if urls is None:
        urls = {**redis_urls(passwords, REDIS_HOST), "admin": f"redis://admin:{passwords['admin']}@{REDIS_HOST}/0"}
        return {"handoff-redis-urls": urls, "handoff-redis": {"users.acl": users_file(passwords)}}
    known = {user: urlsplit(url).password or passwords[user] for user, url in urls.items() if user in passwords}
    return {"handoff-redis": {"users.acl": users_file({**passwords, **known})}}


def _keys(api: Values | None, smoke: Values | None) -> dict[str, Values]:
    """Return the pepper and the digests of API keys, and the plain key of the client `smoke`."""
    key = smoke[SECRET_KEY] if smoke else new_key()
    pepper = api["HANDOFF_API_KEY_PEPPER"] if api else new_secret()
    others = [
        entry for entry in (api or {}).get("HANDOFF_API_KEYS", "").split(",") if entry.partition("=")[0] != "smoke"
    ]
    entries = ",".join(filter(None, [*others, f"smoke={digest(pepper, key)}"]))
    made: dict[str, Values] = {"handoff-api": {"HANDOFF_API_KEY_PEPPER": pepper, "HANDOFF_API_KEYS": entries}}
    return made if smoke else {**made, "handoff-smoke": {SECRET_KEY: key}}


def _namespace(kubectl: Kubectl, wanted: Obj | None) -> None:
    if kubectl.get("namespace", kubectl.namespace) is not None:
        return
    if wanted is None:
        raise Refused(f"The namespace {kubectl.namespace} does not exist and is not in the overlay: create it first.")
    arguments = ["--server-side", f"--field-manager={MANAGER}", "--filename=-"]
    kubectl.do("apply", *arguments, input=json.dumps(wanted))
    print_step(f"Created the namespace {kubectl.namespace}")


def _write(kubectl: Kubectl, name: str, values: Values, present: Obj | None) -> None:
    meta = {"name": name, "labels": {"app.kubernetes.io/part-of": "handoff"}}
    secret: Obj = present or {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": meta}
    secret = {**secret, "stringData": dict(values)}
    if present is None:
        kubectl.create(secret)
    else:
        kubectl.replace(secret)


def _decoded(secret: Obj) -> Values:
    data = secret.get("data") or {}
    return {name: base64.b64decode(value).decode(errors="replace") for name, value in data.items()}
