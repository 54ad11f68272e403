"""The Makefile is the index of what can be done here."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_is_the_default_and_lists_every_target() -> None:
    targets = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
    shown = re.findall(r"^  make ([a-z-]+) +\S", make().stdout, re.MULTILINE)
    assert sorted(shown) == sorted(targets)
    assert shown[0] == "help"


def test_every_target_is_phony() -> None:
    assert set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)) == set(
        re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.M)
    )


def test_a_key_needs_a_name() -> None:
    answer = make("key")
    assert answer.returncode == 2
    assert "make key NAME=client" in answer.stderr


def test_an_old_python_is_told_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    answer = make(f"PYTHON={old}", f"VENV={tmp_path / 'venv'}", "setup")
    assert answer.returncode == 2
    assert "Handoff needs Python 3.11 or newer" in answer.stderr
