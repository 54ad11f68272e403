"""The command as make runs it, with a kubectl that is a program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.revision import read_revision
from deploy.shell import MISSING, ROOT, TIMED_OUT, run
from process import wait_until

KUBECTL = """#!/bin/sh
case "$*" in
  "config get-contexts --output=name") echo lab ;;
  *) echo "$*" >>"$CALLS"; echo "Unable to connect to the server: nobody there" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "CALLS": str(tmp_path / "calls"),
        "PYTHONPATH": f"{ROOT / 'tools'}:{ROOT / 'scripts'}",
    }


def command(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "deploy", *arguments]
    return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", ["deploy", "undeploy"])
def test_without_a_context_nothing_is_asked_of_any_cluster(env: dict[str, str], name: str) -> None:
    ran = command(env, name, "--yes")
    assert ran.returncode == 2
    assert "Set the cluster: CONTEXT=name, one of lab." in ran.stderr
    assert ran.stdout == ""
    assert not Path(env["CALLS"]).exists()


def test_help_says_that_no_check_can_be_skipped(env: dict[str, str]) -> None:
    assert "No check can be skipped" in command(env, "--help").stdout


def test_a_program_that_is_missing() -> None:
    assert run(["no-such-program"]).code == MISSING


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    file = tmp_path / "child"
    file.touch()
    for seconds in (0.5, 2, 8, 32):  # a busy machine may take longer until the child is there
        assert run(["sh", "-c", f"sleep 60 & echo $! > {file}; wait"], timeout=seconds).code == TIMED_OUT
        if file.read_text():
            break
    child = int(file.read_text())
    assert wait_until(lambda: not _lives(child), 10)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter when it goes while it is read
        return False


def test_changed_files_get_their_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.shell.ROOT", tmp_path)
    for line in (["init"], ["add", "."], ["commit", "--allow-empty", "--message=1"]):
        assert run(["git", "-c", "user.email=a@b", "-c", "user.name=a", *line]).code == 0
    clean = read_revision(run)
    (tmp_path / "b").write_text("untracked")
    dirty = read_revision(run)
    (tmp_path / "b").write_text("another")
    other = read_revision(run)
    assert (clean.dirty, dirty.dirty) == (False, True)
    assert len({clean.name, dirty.name, other.name}) == 3
    assert dirty.name.startswith(f"{clean.name}-")
    (tmp_path / "b").write_text("untracked")
    assert read_revision(run) == dirty
    assert run(["git", "status", "--porcelain"]).out == "?? b\n"
