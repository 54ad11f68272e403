"""Shows what an apply would change, from the API server's dry run."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.errors import Refused
from deploy.kubectl import MANAGER, Kubectl, as_list
from deploy.objects import Obj, title
from deploy.steps import print_detail, print_step

MAX_SHOWN_LINES = 60  # a longer diff is only in the file
SECTION = re.compile(r"^diff -u -N \S+ \S*/(?P<object>[^/\s]+)$", re.MULTILINE)


def differences(kubectl: Kubectl, objects: Sequence[Obj]) -> str:
    """Return unified diffs, one after the other, or '' when nothing would change.

    Raises:
        Refused: the API server refuses an object.
    """
    arguments = ["--server-side", "--force-conflicts", f"--field-manager={MANAGER}", "--concurrency=4"]
    ran = kubectl.ask("diff", *arguments, "--filename=-", input=as_list(objects), timeout=180)
    if ran.code > 1 or (ran.code == 1 and not ran.out):
        raise Refused(f"The cluster refuses the objects: {ran.reason}.")
    for warning in dict.fromkeys(line for line in ran.err.splitlines() if line.startswith("Warning:")):
        print_detail(warning)
    return ran.out


def show(diff: str, pruned: Sequence[Obj], file: Path) -> None:
    """Print a line for each changed object, and a short diff. Write the whole diff to the file."""
    file.write_text(diff)
    print_step(f"Changes (the whole diff is in {file}):")
    parts = SECTION.split(diff)[1:]
    for name, part in zip(parts[::2], parts[1::2], strict=True):
        lines = [line for line in part.splitlines() if not line.startswith(("+++", "---"))]
        added, gone = (sum(line.startswith(sign) for line in lines) for sign in "+-")
        print_detail(f"{'+' if '@@ -0,0 ' in part else '~'} {readable(name)}  +{added} -{gone}")
    for obj in pruned:
        print_detail(f"- {title(obj)}")
    if 0 < len(diff.splitlines()) <= MAX_SHOWN_LINES:
        print_detail(diff)


def readable(name: str) -> str:
    """Return `Deployment api` for `apps.v1.Deployment.handoff.api`."""
    version = re.search(r"(?:^|\.)v\d+(?:(?:alpha|beta)\d+)?\.", name)
    kind, _, rest = name[version.end() if version else 0 :].partition(".")
    return f"{kind} {rest.partition('.')[2] or rest}"


def confirm(question: str, yes: bool, expected: str = "y") -> None:
    """Ask for confirmation, unless `yes`.

    Raises:
        Refused: the answer is not the expected one.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("There is no terminal for the confirmation: set YES=1.")
    if input(f"{question} ").strip().lower() != expected:
        raise Refused("Nothing was changed.")
