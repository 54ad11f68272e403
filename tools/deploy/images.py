"""The three images: built once for each state of the files, pushed and pinned by digest, or handed to LOAD."""

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
    """An image of ours under the name that the cluster pulls."""

    name: str  # as the manifests call it
    repository: str
    tag: str
    digest: str = ""  # only where a registry gave one

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"

    def as_kustomize(self) -> dict[str, str]:
        pin = {"digest": self.digest} if self.digest else {"newTag": self.tag}
        return {"name": self.name, "newName": self.repository, **pin}


def provide(run: Run, revision: str, registry: str) -> list[Image]:
    """Builds what is not there yet, and pushes it when there is a registry.

    An image of the same revision is taken as it is, so that deploying it again restarts nothing.

    Raises:
        Refused: one cannot be built or pushed.
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
        raise Refused(f"{file} does not build; nothing was changed in the cluster. The end of the build:\n{end}")


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
    raise Refused(f"docker tells no digest of {image.reference} after pushing it.")


def load(run: Run, command: str, references: Iterable[str]) -> None:
    """Hands to LOAD every image that is on this machine; what is not, the cluster pulls.

    Raises:
        Refused: the command failed.
    """
    here = [reference for reference in references if not run(["docker", "image", "inspect", reference]).code]
    ran = run([*shlex.split(command), *here], timeout=LOAD_SECONDS)
    if ran.code:
        raise Refused(f"LOAD failed on {' '.join(here)}: {ran.reason}.")
    print_step(f"Loaded {len(here)} images into the cluster")
