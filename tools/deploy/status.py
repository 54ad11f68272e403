"""`make status`: prints the bundles, who deployed them, the workloads, and the depth of each queue."""

import re

from deploy.kubectl import Kubectl
from deploy.lock import holder_sentence
from deploy.objects import images
from deploy.options import Options
from deploy.records import STARTED, Records, running
from deploy.report import urls
from deploy.rollout import Rollout
from deploy.shell import Run
from deploy.target import nothing_changed, reach

METRICS = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/metrics', timeout=5).read().decode())"
DEPTH = re.compile(r'^handoff_queue_depth\{queue="(?P<queue>[^"]+)"\} (?P<depth>\S+)$', re.MULTILINE)


def status(run: Run, options: Options) -> None:
    """Print the status. Raises Refused when the cluster does not answer."""
    with nothing_changed():
        kubectl = reach(run, options)
        past = Records(kubectl).all()
        for record in past:
            print(
                f"bundle {record.number:<4} {record.state:<8} {record.bundle.revision:<26} {record.when}  {record.who}"
            )
        current = running(past)
        if past and past[0].state == STARTED:
            print(holder_sentence(kubectl) or f"Bundle {past[0].number} was interrupted: parts of it may be applied.")
        if current is None:
            print(f"No proven bundle in the namespace {kubectl.namespace}.")
            return
        for state in Rollout(kubectl).progress(current.bundle.objects):
            print(f"{state.name:<20} {state.ready}/{state.desired} ready{'' if state.done else '  NOT up to date'}")
        print("waiting   " + _backlog(kubectl))
        for line in [*urls(current.bundle.objects), *images(current.bundle.objects)]:
            print(f"          {line}")


def _backlog(kubectl: Kubectl) -> str:
    """Return the depth of each queue, from the API's metrics."""
    ran = kubectl.ask("exec", "deployment/api", "--", "python", "-c", METRICS, timeout=20)
    depths = {match["queue"]: int(float(match["depth"])) for match in DEPTH.finditer(ran.out)}
    if ran.code or not depths:
        return f"unknown: {ran.reason}" if ran.code else "unknown: the API reports no queue"
    return ", ".join(f"{queue} {depth}" for queue, depth in depths.items())
