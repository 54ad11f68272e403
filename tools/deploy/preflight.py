"""Checks this machine and the arguments before a deploy: yields a sentence for each problem."""

import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator

from deploy.errors import Refused
from deploy.images import NAMES
from deploy.render import overlays
from deploy.revision import Revision
from deploy.shell import MISSING, Run

UNREACHABLE_SIGNS = (
    "dial tcp",
    "no such host",
    "connection re",
    "timeout",
    "deadline exceeded",
    "certificate",
    "gave no answer",
)


def raise_all(sentences: Iterable[str]) -> None:
    if found := list(sentences):
        raise Refused(*found)


def wrong_arguments(registry: str, load: str) -> Iterator[str]:
    if bool(registry) == bool(load):
        yield (
            "Set one of two: REGISTRY=registry.example.com/team,"
            ' or LOAD="command", a command that takes image names, like LOAD="kind load docker-image".'
        )
    elif load and not _names_a_program(load):
        yield f"LOAD={load} is not an installed program."


def _names_a_program(command: str) -> bool:
    try:
        return shutil.which(shlex.split(command)[0]) is not None
    except (ValueError, IndexError):
        return False


def wrong_overlay(overlay: str) -> Iterator[str]:
    if overlay not in overlays():
        yield f"There is no overlay {overlay}: OVERLAY is one of {', '.join(overlays())}."


def no_terminal(yes: bool) -> Iterator[str]:
    if not yes and not sys.stdin.isatty():
        yield "There is no terminal for the confirmation: set YES=1 to continue without it."


def dirty(revision: Revision, allowed: bool) -> Iterator[str]:
    if revision.dirty and not allowed:
        yield "The checkout has uncommitted changes: commit them, or set ALLOW_DIRTY=1."


def docker_unreachable(run: Run) -> Iterator[str]:
    ran = run(["docker", "version", "--format={{.Server.Version}}"])
    if ran.code == MISSING:
        yield "docker is not installed, but it builds the images."
    elif ran.code:
        yield f"docker does not answer: {ran.reason}."


def wrong_context(run: Run, context: str) -> Iterator[str]:
    ran = run(["kubectl", "config", "get-contexts", "--output=name"])
    known = ran.out.split()
    if ran.code == MISSING:
        yield "kubectl is not installed."
    elif not context:
        yield f"Set the cluster: CONTEXT=name, one of {', '.join(known) or 'none: kubectl has no context'}."
    elif context not in known:
        yield f"kubectl has no context {context}: CONTEXT is one of {', '.join(known) or 'none'}."


def registry_unreachable(run: Run, registry: str) -> Iterator[str]:
    """Ask the registry through docker, with its logins and proxies. Even a refusal counts as an answer."""
    image = f"{registry.rstrip('/')}/{NAMES[0]}:{NAMES[0]}"
    ran = run(["docker", "buildx", "imagetools", "inspect", image], timeout=30)
    if ran.code and any(sign in ran.err for sign in UNREACHABLE_SIGNS):
        yield f"The registry of {registry} does not answer: {ran.reason}."
