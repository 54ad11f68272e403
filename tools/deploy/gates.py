"""What must hold for rendered objects before any cluster sees them."""

from collections.abc import Iterable, Iterator, Sequence

from kubernetes_validate.utils import SchemaNotFoundError, ValidationError, validate

from deploy.errors import Refused
from deploy.objects import Obj, images, key, named, of_kind, title
from deploy.smoke import SERVICE


def check(objects: Sequence[Obj], version: str) -> None:
    """Holds objects against the schemas of a Kubernetes version like '1.36', and against what a deploy relies on.

    Raises:
        Refused: with a sentence for each thing that is wrong.
    """
    wrong = [*_invalid(objects, version), *_duplicates(objects), *_replicas_and_scaler(objects)]
    if named(objects, "Service", SERVICE) is None:
        wrong.append(f"The overlay has no Service {SERVICE}, which the smoke Job calls.")
    if wrong:
        raise Refused(*wrong)


def check_pinned(objects: Iterable[Obj]) -> None:
    """Raises Refused for images that another pull may give another content."""
    if wrong := list(_unpinned(objects)):
        raise Refused(*wrong)


def _invalid(objects: Iterable[Obj], version: str) -> Iterator[str]:
    for obj in objects:
        try:
            validate(obj, version, strict=True)
        except SchemaNotFoundError:
            continue  # a custom resource: the API server's dry run judges it
        except ValidationError as error:
            where = ".".join(map(str, error.path))
            yield f"{title(obj)} is no valid object of Kubernetes {version}: {where}: {error.message}."


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
            yield f"The image {image} is not pinned: give it a digest or a tag that stays."


def _replicas_and_scaler(objects: Iterable[Obj]) -> Iterator[str]:
    for scaler in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        workload = named(objects, target.get("kind", "Deployment"), target["name"])
        if workload is not None and "replicas" in workload["spec"]:
            yield f"{title(workload)} says replicas, which {title(scaler)} decides: leave them out of the manifest."
