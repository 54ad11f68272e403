"""Writes the hashed locks. With --check, fails when a lock does not match the pyproject files.

Existing pins stay; `make lock UPGRADE=1` takes the newest releases.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MEMBERS = sorted(path.parent.relative_to(ROOT) for path in ROOT.glob("*/*/pyproject.toml"))
FOLDER = Path("requirements")
DEVELOPMENT = FOLDER / "dev.txt"
SERVICES = ("api", "worker", "flower")
SOURCES = {FOLDER / f"{name}.txt": f"services/{name}/pyproject.toml" for name in SERVICES} | {
    FOLDER / "build.txt": "--group=build",  # builds images and virtual environments
    FOLDER / "docs.txt": "--group=docs",  # serves /docs in development
    FOLDER / "reload.txt": "--group=reload",  # reloads processes in the containers of development
}
BENCHES = ("arq", "celery", "dramatiq", "picture", "rq", "taskiq")
# These tools run in their own environments, so that their pins do not constrain Handoff's.
TOOLS = {FOLDER / f"{tool}.txt": f"--group={tool}" for tool in ("checkov", "kustomize")} | {
    FOLDER / f"bench-{name}.txt": f"--group=bench-{name}" for name in BENCHES
}
LOCKS = [DEVELOPMENT, *SOURCES, *TOOLS]


def compile_lock(lock: Path, folder: Path, sources: list[str], *options: str) -> None:
    """Compile one lock into `folder`, and keep the pins of the lock that is there."""
    local = [f"--no-emit-package=handoff-{member.name}" for member in MEMBERS]
    command = [sys.executable, "-m", "uv", "pip", "compile", f"--output-file={folder / lock}", *sources, *local]
    command += [*options, "--universal", "--python-version=3.11", "--generate-hashes", "--no-annotate", "--quiet"]
    command += ["--no-emit-index-url", "--custom-compile-command=make lock"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(f"uv could not compile {lock}: see its message above.")


def compile_all(folder: Path, *options: str) -> None:
    members = [f"{member}/pyproject.toml" for member in MEMBERS]
    compile_lock(DEVELOPMENT, folder, [*members, "--group=dev"], *options)
    for lock, source in SOURCES.items():
        compile_lock(lock, folder, [source, f"--constraints={folder / DEVELOPMENT}"], *options)
    for lock, source in TOOLS.items():
        compile_lock(lock, folder, [source], *options)


def check() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for lock in LOCKS:
            (folder / lock).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / lock, folder / lock)
        compile_all(folder)
        stale = [str(lock) for lock in LOCKS if (folder / lock).read_text() != (ROOT / lock).read_text()]
    if stale:
        sys.exit(f"{', '.join(stale)} do not match the pyproject files: run `make lock` and commit the result.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--upgrade", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        check()
    else:
        compile_all(ROOT, *(["--upgrade"] if arguments.upgrade else []))


if __name__ == "__main__":
    main()
