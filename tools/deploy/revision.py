"""What is deployed: the checkout's files, under a name that only these files have."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import Refused
from deploy.shell import ROOT, Run

GOLDEN = ROOT / "packages" / "contracts" / "golden"


@dataclass(frozen=True, slots=True)
class Revision:
    name: str  # the commit; with changes on top of it, also the hash of all files
    dirty: bool


def read_revision(run: Run) -> Revision:
    """Raises Refused when this is no git checkout with a commit."""
    commit = run(["git", "rev-parse", "--short=12", "HEAD"])
    if commit.code:
        raise Refused("This folder is no git checkout with a commit: images and bundles are named by their commit.")
    name = commit.out.strip()
    if not run(["git", "status", "--porcelain"]).out.strip():
        return Revision(name, dirty=False)
    return Revision(f"{name}-{_hash_of_files(run)}", dirty=True)


def _hash_of_files(run: Run) -> str:
    """Git's hash of the files as they lie there, without ignored ones; its index and objects stay as they are."""
    objects = run(["git", "rev-parse", "--path-format=absolute", "--git-path", "objects"]).out.strip()
    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder, "objects")
        aside.mkdir()
        env = {
            "GIT_INDEX_FILE": str(Path(folder, "index")),
            "GIT_OBJECT_DIRECTORY": str(aside),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        }
        if run(["git", "add", "--all"], env=env).code:
            raise Refused("git cannot read the files of this checkout: see `git add --all --dry-run`.")
        return run(["git", "write-tree"], env=env).out.strip()[:12]


def contracts() -> list[str]:
    """The contracts that this checkout serves, as `name.vN`."""
    return sorted(path.stem for path in GOLDEN.glob("*.json"))
