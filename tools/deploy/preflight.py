"""What has to be there on this side before a deploy starts: a sentence for each thing that is not."""

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
            "Say where images go, by one of two: REGISTRY=registry.example.com/team,"
            ' or LOAD="command" that takes image names, like LOAD="kind load docker-image".'
        )
    elif load and not _names_a_program(load):
        yield f"LOAD={load} names no program that is installed."


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
        yield "There is no terminal to ask on: say YES=1 to go on without a question."


def dirty(revision: Revision, allowed: bool) -> Iterator[str]:
    if revision.dirty and not allowed:
        yield "The checkout has changes that are not committed: commit them, or say ALLOW_DIRTY=1."


def docker_unreachable(run: Run) -> Iterator[str]:
    ran = run(["docker", "version", "--format={{.Server.Version}}"])
    if ran.code == MISSING:
        yield "docker is not installed, which builds the images."
    elif ran.code:
        yield f"docker does not answer: {ran.reason}."


def wrong_context(run: Run, context: str) -> Iterator[str]:
    ran = run(["kubectl", "config", "get-contexts", "--output=name"])
    known = ran.out.split()
    if ran.code == MISSING:
        yield "kubectl is not installed."
    elif not context:
        yield f"Say which cluster: CONTEXT=name, one of {', '.join(known) or 'none: kubectl knows no cluster yet'}."
    elif context not in known:
        yield f"kubectl knows no context {context}: CONTEXT is one of {', '.join(known) or 'none'}."


def registry_unreachable(run: Run, registry: str) -> Iterator[str]:
    """Asks as docker does, with its logins and proxies. Any answer counts, also one that refuses: pushing tells."""
    image = f"{registry.rstrip('/')}/{NAMES[0]}:{NAMES[0]}"
    ran = run(["docker", "buildx", "imagetools", "inspect", image], timeout=30)
    if ran.code and any(sign in ran.err for sign in UNREACHABLE_SIGNS):
        yield f"The registry of {registry} does not answer: {ran.reason}."
