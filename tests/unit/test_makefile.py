"""The Makefile lists every command of the project."""

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


def test_a_name_is_never_evaluated(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in (f'a b"$(touch {ran})', f"$(shell touch {ran})", f"`touch {ran}`", f'";touch {ran};"', "'"):
        answer = make("key", f"NAME={name}")
        assert answer.returncode == 2
        assert "a name has 1 to 64 letters" in answer.stderr, answer.stderr
    assert not ran.exists()


def test_a_token_file_may_have_any_name(tmp_path: Path) -> None:
    file = tmp_path / 'the "tokens" of $(id)'
    answer = make("demo", f"TOKENS={file}")
    assert answer.returncode == 2
    assert f"The tokens in {file} cannot be read" in answer.stderr


def test_an_old_python_is_an_error_with_advice(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    answer = make(f"PYTHON={old}", f"VENV={tmp_path / 'venv'}", "setup")
    assert answer.returncode == 2
    assert "Handoff needs Python 3.11 or newer" in answer.stderr
