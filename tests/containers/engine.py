"""Docker's command line, and what is missing where it can't be used."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

NEEDED = {
    "A Docker engine that runs": ("docker", "version"),
    "Docker Compose": ("docker", "compose", "version"),
    "npm": ("npm", "--version"),
}


def missing() -> list[str]:
    """What these tests need and this machine lacks."""
    return [what for what, command in NEEDED.items() if not works(*command)]


def works(*command: str) -> bool:
    found = shutil.which(command[0])
    return bool(found) and not subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


def run(*command: str, seconds: float = 60, env: Mapping[str, str] | None = None) -> str:
    """Runs a command that has to succeed; returns what it said on standard output."""
    answer = attempt(*command, seconds=seconds, env=env)
    assert answer.returncode == 0, f"{' '.join(command[:4])} ended with {answer.returncode}:\n{said(answer)}"
    return answer.stdout


def attempt(
    *command: str, seconds: float = 60, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, env=env)


def said(answer: subprocess.CompletedProcess[str]) -> str:
    """What a command said, standard error after standard output."""
    return (answer.stdout + answer.stderr).strip()


def docker(*arguments: str, seconds: float = 60) -> str:
    return run("docker", *arguments, seconds=seconds)


def inspect(container: str) -> Any:
    """What the engine knows of a container; `docker inspect` gives its shape."""
    return json.loads(docker("container", "inspect", container))[0]


def healthy(container: str) -> bool:
    return bool(inspect(container)["State"].get("Health", {}).get("Status") == "healthy")


def logs(container: str) -> str:
    return said(attempt("docker", "logs", container))
