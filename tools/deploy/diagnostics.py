"""Explains why pods do not get ready, from their status, events and logs."""

from collections.abc import Iterable, Iterator, Sequence

from deploy.kubectl import Kubectl
from deploy.objects import Obj

STUCK = (
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
)
CRASHES = 2  # restarts of a container that was never ready


def is_ready(pod: Obj) -> bool:
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in _conditions(pod))


def stuck(pods: Iterable[Obj]) -> dict[str, str]:
    """Return why each stuck pod does not get ready, by pod name."""
    found = {}
    for pod in pods:
        for container in _statuses(pod):
            waiting = container.get("state", {}).get("waiting", {})
            crashed = container.get("restartCount", 0) >= CRASHES and not container.get("ready")
            if waiting.get("reason") in STUCK or crashed:
                found[pod["metadata"]["name"]] = _sentence(container, waiting)
    return found


def _sentence(container: Obj, waiting: Obj) -> str:
    ended = container.get("lastState", {}).get("terminated") or container.get("state", {}).get("terminated") or {}
    reason = waiting.get("reason", "it keeps restarting")
    if ended and reason not in ("ImagePullBackOff", "ErrImagePull"):
        return f"{container['name']}: {reason}, exit code {ended.get('exitCode')} ({ended.get('reason', 'Error')})"
    return f"{container['name']}: {reason}: {waiting.get('message', '')}".rstrip(": ")


def unready(pods: Iterable[Obj]) -> dict[str, str]:
    """Return the reason why each unready pod waits, by pod name."""
    found = {}
    for pod in pods:
        if is_ready(pod):
            continue
        said = [c.get("message", "") for c in _conditions(pod) if c["status"] == "False" and c.get("message")]
        found[pod["metadata"]["name"]] = said[0] if said else pod.get("status", {}).get("phase", "Pending")
    return found


def explain(kubectl: Kubectl, pods: Sequence[Obj]) -> Iterator[str]:
    """Yield the warnings and the last log lines of the first three unready pods."""
    for pod in [pod for pod in pods if not is_ready(pod)][:3]:
        name = pod["metadata"]["name"]
        why = {**unready([pod]), **stuck([pod])}.get(name, "not ready")
        yield f"{name}: {why}"
        selector = f"--field-selector=involvedObject.name={name},type=Warning"
        message = "-o=jsonpath={range .items[*]}{.reason}: {.message}{'\\n'}{end}"
        events = kubectl.ask("get", "events", selector, message).out.splitlines()
        yield from (f"  event  {line}" for line in list(dict.fromkeys(filter(str.strip, events)))[-5:])
        for container in _statuses(pod):
            yield from (f"  log    {line}" for line in _log(kubectl, name, container))


def _log(kubectl: Kubectl, pod: str, container: Obj) -> list[str]:
    """Return the last log lines of the previous container, or of the present one without a previous one."""
    arguments = ["logs", pod, f"--container={container['name']}", "--tail=20"]
    for more in (["--previous"], []) if container.get("restartCount") else ([],):
        ran = kubectl.ask(*arguments, *more)
        if not ran.code and not ran.out.startswith("unable to retrieve container logs"):
            return ran.out.splitlines()
    return []


def _statuses(pod: Obj) -> list[Obj]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _conditions(pod: Obj) -> list[Obj]:
    return list(pod.get("status", {}).get("conditions", []))
