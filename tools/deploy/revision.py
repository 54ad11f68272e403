"""Names the deployed state of the checkout, so that different files never share a name."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import Refused
from deploy.shell import ROOT, Run

GOLDEN = ROOT / "packages" / "contracts" / "golden"


@dataclass(frozen=True, slots=True)
class Revision:
    name: str  # the commit; with uncommitted changes, also a hash of all files
    dirty: bool


def read_revision(run: Run) -> Revision:
    """Return the revision of the checkout. Raises Refused outside a git checkout with a commit."""
    commit = run(["git", "rev-parse", "--short=12", "HEAD"])
    if commit.code:
        raise Refused("This folder is not a git checkout with a commit, and the commit names images and bundles.")
    name = commit.out.strip()
    if not run(["git", "status", "--porcelain"]).out.strip():
        return Revision(name, dirty=False)
    return Revision(f"{name}-{_hash_of_files(run)}", dirty=True)


def _hash_of_files(run: Run) -> str:
    """Return git's hash of all files that are not ignored, without a change to git's index and objects."""
    objects = run(["git", "rev-parse", "--path-format=absolute", "--git-path", "objects"]).out.strip()
    with tempfile.TemporaryDirectory() as folder:
        objects_folder = Path(folder, "objects")
        objects_folder.mkdir()
        env = {
            "GIT_INDEX_FILE": str(Path(folder, "index")),
            "GIT_OBJECT_DIRECTORY": str(objects_folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        }
        if run(["git", "add", "--all"], env=env).code:
            raise Refused("git cannot read the files of this checkout: see `git add --all --dry-run`.")
        return run(["git", "write-tree"], env=env).out.strip()[:12]


def contracts() -> list[str]:
    """Return the contracts of this checkout, as `name.vN`."""
    return sorted(path.stem for path in GOLDEN.glob("*.json"))
