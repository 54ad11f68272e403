"""`make undeploy`: deletes the objects of every bundle. It deletes data only with DATA=1."""

from collections.abc import Sequence

from deploy import cluster, preflight
from deploy.diff import confirm
from deploy.errors import Refused
from deploy.kubectl import Kubectl
from deploy.lock import Lock
from deploy.objects import KEPT, Obj, key, of_kind
from deploy.options import Options
from deploy.records import LABEL, Records, owned
from deploy.shell import Run
from deploy.steps import print_detail, print_step
from deploy.target import nothing_changed, reach

DRAIN_SECONDS = 900.0  # time for workers to finish their tasks


def undeploy(run: Run, options: Options) -> None:
    """Undeploy. Raises Refused before the first change, Failed after it."""
    preflight.raise_all(preflight.no_terminal(options.yes))
    with nothing_changed():
        kubectl = reach(run, options)
        served = cluster.served_kinds(kubectl)
    with Lock(kubectl):
        with nothing_changed():
            objects = list(owned(Records(kubectl).all()).values())
            if not objects and not options.data:
                raise Refused(f"Handoff is not deployed in the namespace {kubectl.namespace}.")
            what = "with ALL ITS DATA" if options.data else "but keeps its data and Secrets"
            question = f"This removes Handoff {what} from {kubectl.context}: type {kubectl.namespace} to continue:"
            confirm(question, options.yes, expected=kubectl.namespace)
        _remove(kubectl, [obj for obj in objects if key(obj)[:2] in served])
        if options.data:
            _remove_data(kubectl)
        else:
            _print_kept(kubectl, options)


def _remove(kubectl: Kubectl, objects: Sequence[Obj]) -> None:
    """Delete in three steps, so that workers can finish: API and routes, then workers and Flower, then the rest."""
    removed = [obj for obj in objects if obj["kind"] not in KEPT]
    intake = [
        obj for obj in removed if obj["kind"] in ("Ingress", "HTTPRoute", "HorizontalPodAutoscaler", "ScaledObject")
    ]
    intake += [obj for obj in of_kind(removed, "Deployment") if obj["metadata"]["name"] == "api"]
    workloads = [obj for obj in of_kind(removed, "Deployment") if obj not in intake]
    rest = [obj for obj in removed if obj not in intake and obj not in workloads]
    for name, group in (("API and routes", intake), ("Workers and Flower", workloads), ("Redis and the rest", rest)):
        if group:
            kubectl.delete(group, "--cascade=foreground", timeout=DRAIN_SECONDS)
            print_step(f"{name} removed")
    kubectl.do("delete", "secrets", f"--selector={LABEL}=bundle", "--ignore-not-found")


def _remove_data(kubectl: Kubectl) -> None:
    kubectl.do("delete", "namespace", kubectl.namespace, "--ignore-not-found", timeout=DRAIN_SECONDS)
    print_step(f"The namespace {kubectl.namespace} was deleted with its volumes and Secrets")


def _print_kept(kubectl: Kubectl, options: Options) -> None:
    print_step("Kept:")
    print_detail(f"Namespace {kubectl.namespace}")
    for kind in ("persistentvolumeclaims", "secrets"):
        names = kubectl.ask("get", kind, "--output=name")
        print_detail(names.out if not names.code else f"{kind}, which you have no right to list")
    print_detail(f"`{options.command('undeploy')} DATA=1` deletes these, too.")
