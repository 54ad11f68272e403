"""Runs the smoke Job: a client in the cluster that submits to each queue and tests a wrong API key."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.diagnostics import explain, stuck
from deploy.errors import Failed, SmokeFailed
from deploy.kubectl import Kubectl
from deploy.objects import Obj, image_of, named
from deploy.steps import print_detail, print_step
from handoff_contracts.queues import QUEUES

SERVICE = "api"
SECRET, SECRET_KEY = "handoff-smoke", "HANDOFF_SMOKE_KEY"
NAME = "handoff-smoke"
TIME_LIMIT_SECONDS = 180
SCRIPT = Path(__file__).with_name("smoke_client.py")
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def smoke(kubectl: Kubectl, objects: Sequence[Obj]) -> None:
    """Run the Job against the applied API, and delete the Job.

    Raises:
        SmokeFailed: a check failed; the Job's output is printed.
    """
    kubectl.delete([_job(objects)], "--cascade=foreground")
    kubectl.create(_job(objects))
    try:
        _wait(kubectl)
    finally:
        kubectl.ask("delete", "job", NAME, "--ignore-not-found", "--wait=false")


def _wait(kubectl: Kubectl) -> None:
    deadline, pods = time.monotonic() + TIME_LIMIT_SECONDS + 30, list[Obj]()
    while time.monotonic() < deadline:
        status = (kubectl.get("job", NAME) or {}).get("status", {})
        pods = kubectl.list("pods", selector=f"job-name={NAME}")
        if status.get("succeeded"):
            print_step("Smoke test succeeded:")
            print_detail(kubectl.do("logs", f"job/{NAME}"))
            return
        if status.get("failed") or stuck(pods):
            break
        time.sleep(0.5)
    print_step("Smoke test failed:")
    print_detail("\n".join(explain(kubectl, pods)))
    raise SmokeFailed("The smoke test failed: see its output above.")


def _job(objects: Iterable[Obj]) -> Obj:
    objects = list(objects)
    labels = {f"app.kubernetes.io/{name}": value for name, value in _LABELS.items()}
    shared = " ".join(queue.name for queue in QUEUES.values() if queue.shared)
    alone = " ".join(queue.name for queue in QUEUES.values() if not queue.shared)
    environment = {
        "HANDOFF_SMOKE_API": f"{SERVICE}:{_port(objects)}",
        "HANDOFF_SMOKE_KEY_FILE": f"/run/secrets/{SECRET_KEY}",
        "HANDOFF_SMOKE_QUEUES": shared,
        "HANDOFF_SMOKE_SERVED": alone,
    }
    container = {
        "name": "smoke",
        "image": image_of(objects, "handoff-api"),
        "command": ["python", "-c", SCRIPT.read_text()],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "volumeMounts": [{"name": "key", "mountPath": "/run/secrets", "readOnly": True}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": RESTRICTED,
    }
    identity = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {**identity, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "key", "secret": {"secretName": SECRET, "defaultMode": 0o440}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": NAME, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": TIME_LIMIT_SECONDS,
            "ttlSecondsAfterFinished": 600,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


_LABELS = {"name": "smoke", "component": "smoke", "part-of": "handoff"}


def _port(objects: Iterable[Obj]) -> int:
    service = named(objects, "Service", SERVICE)
    if service is None:
        raise Failed(f"The bundle has no Service {SERVICE}.")
    return int(service["spec"]["ports"][0]["port"])
