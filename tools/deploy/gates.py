"""Checks rendered objects before they reach a cluster."""

from collections.abc import Iterable, Iterator, Sequence

from kubernetes_validate.utils import SchemaNotFoundError, ValidationError, validate

from deploy.errors import Refused
from deploy.objects import Obj, images, key, named, of_kind, title
from deploy.smoke import SERVICE


def check(objects: Sequence[Obj], version: str) -> None:
    """Check objects against the schemas of a Kubernetes version like '1.36', and against the assumptions of a deploy.

    Raises:
        Refused: with a sentence for each problem.
    """
    wrong = [*_invalid(objects, version), *_duplicates(objects), *_replicas_and_scaler(objects)]
    if named(objects, "Service", SERVICE) is None:
        wrong.append(f"The overlay has no Service {SERVICE}, which the smoke Job calls.")
    if wrong:
        raise Refused(*wrong)


def check_pinned(objects: Iterable[Obj]) -> None:
    """Raise Refused for an image whose tag may change its content."""
    if wrong := list(_unpinned(objects)):
        raise Refused(*wrong)


def _invalid(objects: Iterable[Obj], version: str) -> Iterator[str]:
    for obj in objects:
        try:
            validate(obj, version, strict=True)
        except SchemaNotFoundError:
            continue  # a custom resource: the API server's dry run checks it
        except ValidationError as error:
            where = ".".join(map(str, error.path))
            yield f"{title(obj)} is not valid in Kubernetes {version}: {where}: {error.message}."


def _duplicates(objects: Iterable[Obj]) -> Iterator[str]:
    seen = set()
    for obj in objects:
        if key(obj) in seen:
            yield f"{title(obj)} is rendered twice."
        seen.add(key(obj))


def _unpinned(objects: Iterable[Obj]) -> Iterator[str]:
    for image in images(objects):
        name, digest = image.partition("@")[::2]
        tag = name.rpartition("/")[2].partition(":")[2]
        if not digest and tag in ("", "latest"):
            yield f"The image {image} is not pinned: give it a digest or a fixed tag."


def _replicas_and_scaler(objects: Iterable[Obj]) -> Iterator[str]:
    for scaler in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        workload = named(objects, target.get("kind", "Deployment"), target["name"])
        if workload is not None and "replicas" in workload["spec"]:
            yield f"{title(workload)} sets replicas, which {title(scaler)} controls: remove them from the manifest."
