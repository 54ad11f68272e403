"""Prints the result of a deploy: URLs, images, and the command that rolls back."""

from collections.abc import Iterable, Iterator, Sequence

from deploy.kubectl import Kubectl
from deploy.objects import Obj, images, named, of_kind
from deploy.options import Options
from deploy.records import Record, running
from deploy.steps import print_detail, print_step


def report(kubectl: Kubectl, record: Record, past: Sequence[Record], options: Options) -> None:
    print_step(
        f"Bundle {record.number} ({record.bundle.revision}) runs in {kubectl.context}, namespace {kubectl.namespace}"
    )
    for url in urls(record.bundle.objects) or list(_forwards(kubectl, record.bundle.objects)):
        print_detail(f"reach it   {url}")
    for image in images(record.bundle.objects):
        print_detail(f"image      {image}")
    before = running(past)
    if before is not None and before.number != record.number:
        print_detail(f"go back    {options.command('rollback')}")


def urls(objects: Iterable[Obj]) -> list[str]:
    """Return the public URLs of Ingresses and HTTPRoutes."""
    objects = list(objects)
    found = []
    for ingress in of_kind(objects, "Ingress"):
        secure = {host for entry in ingress["spec"].get("tls", []) for host in entry.get("hosts", [])}
        hosts = [rule["host"] for rule in ingress["spec"].get("rules", []) if rule.get("host")]
        found += [f"{'https' if host in secure else 'http'}://{host}" for host in hosts]
    for route in of_kind(objects, "HTTPRoute"):
        found += [f"https://{host}" for host in route["spec"].get("hostnames", [])]
    return list(dict.fromkeys(found))


def _forwards(kubectl: Kubectl, objects: Sequence[Obj]) -> Iterator[str]:
    where = f"kubectl --context={kubectl.context} --namespace={kubectl.namespace}"
    for name, port in (("api", 8000), ("flower", 5555)):
        service = named(objects, "Service", name)
        if service is not None:
            yield f"{where} port-forward service/{name} {port}:{service['spec']['ports'][0]['port']}"
