"""Builds the three images once for each revision, then pushes them to a registry or loads them with LOAD."""

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from deploy.errors import Refused
from deploy.shell import Run
from deploy.steps import print_step

NAMES = ("handoff-api", "handoff-worker", "handoff-flower")
BUILD_SECONDS, PUSH_SECONDS, LOAD_SECONDS = 1800.0, 900.0, 900.0


@dataclass(frozen=True, slots=True)
class Image:
    """One of the three images, under the name that the cluster pulls."""

    name: str  # in the manifests
    repository: str
    tag: str
    digest: str = ""  # only from a registry

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"

    def as_kustomize(self) -> dict[str, str]:
        pin = {"digest": self.digest} if self.digest else {"newTag": self.tag}
        return {"name": self.name, "newName": self.repository, **pin}


def provide(run: Run, revision: str, registry: str) -> list[Image]:
    """Build and push the images that do not exist, and return all three.

    An existing image of the revision is reused, so that deploying the revision again restarts no pod.

    Raises:
        Refused: an image cannot be built or pushed.
    """
    return [_pushed(run, name, revision, registry) if registry else _local(run, name, revision) for name in NAMES]


def _local(run: Run, name: str, revision: str) -> Image:
    image = Image(name, name, revision)
    if run(["docker", "image", "inspect", image.reference]).code:
        _build(run, image)
    return image


def _pushed(run: Run, name: str, revision: str, registry: str) -> Image:
    image = Image(name, f"{registry.rstrip('/')}/{name}", revision)
    there = run(["docker", "buildx", "imagetools", "inspect", image.reference, "--format={{json .Manifest}}"])
    if there.code:
        _build(run, image)
        digest = _push(run, image)
    else:
        digest = json.loads(there.out)["digest"]
    return Image(name, image.repository, revision, digest)


def _build(run: Run, image: Image) -> None:
    print_step(f"Building {image.reference}")
    file = f"services/{image.name.removeprefix('handoff-')}/Dockerfile"
    command = [
        "docker",
        "build",
        f"--file={file}",
        f"--build-arg=REVISION={image.tag}",
        f"--tag={image.reference}",
        ".",
    ]
    ran = run(command, env={"DOCKER_BUILDKIT": "1"}, timeout=BUILD_SECONDS)
    if ran.code:
        end = "\n".join((ran.err or ran.out).splitlines()[-20:])
        raise Refused(f"{file} does not build; the cluster did not change. The end of the build:\n{end}")


def _push(run: Run, image: Image) -> str:
    print_step(f"Pushing {image.reference}")
    ran = run(["docker", "push", "--quiet", image.reference], timeout=PUSH_SECONDS)
    if ran.code:
        raise Refused(f"{image.reference} cannot be pushed: {ran.reason}.")
    known = run(["docker", "image", "inspect", image.reference, "--format={{json .RepoDigests}}"])
    for entry in json.loads(known.out or "null") or []:
        repository, _, digest = entry.partition("@")
        if repository == image.repository:
            return str(digest)
    raise Refused(f"docker reports no digest of {image.reference} after the push.")


def load(run: Run, command: str, references: Iterable[str]) -> None:
    """Load every image that is on this machine into the cluster. The cluster pulls the others.

    Raises:
        Refused: the command failed.
    """
    here = [reference for reference in references if not run(["docker", "image", "inspect", reference]).code]
    ran = run([*shlex.split(command), *here], timeout=LOAD_SECONDS)
    if ran.code:
        raise Refused(f"LOAD failed on {' '.join(here)}: {ran.reason}.")
    print_step(f"Loaded {len(here)} images into the cluster")
