"""A copy of the working tree, as a new clone has it, and the stack that Compose runs from it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

from dotenv import dotenv_values

from process import free_port
from stack import ROOT, clean_environment
from tests.containers.engine import attempt, docker, inspect, logs, run

SERVICES = ("api", "flower", "redis", "worker", "worker-bulk", "worker-documents")


class Clone:
    """A folder with a project name and ports of its own. As a context manager: none of its containers is left after."""

    def __init__(self, folder: Path, project: str) -> None:
        self.folder = folder
        self.project = project
        self.ports = {"api": free_port(), "flower": free_port()}
        self._env = {
            **{name: value for name, value in clean_environment().items() if not name.startswith(("MAKE", "MFLAGS"))},
            "COMPOSE_PROJECT_NAME": project,
            "HANDOFF_API_PORT": str(self.ports["api"]),
            "HANDOFF_FLOWER_PORT": str(self.ports["flower"]),
        }
        for name in run("git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard").splitlines():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        git = ["git", "-C", str(folder), "-c", "user.name=tests", "-c", "user.email=tests@example.com"]
        for step in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=as it is"]):
            run(*git, *step)

    def make(self, *arguments: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        return attempt("make", "-C", str(self.folder), *arguments, seconds=seconds, env=self._env)

    @property
    def settings(self) -> dict[str, str]:
        """What `.env` says."""
        return {name: value for name, value in dotenv_values(self.folder / ".env").items() if value}

    @property
    def secrets(self) -> list[str]:
        """The values in `.env` that stand where `.env.example` has placeholders."""
        example = (self.folder / ".env.example").read_text()
        names = re.findall(r"^([A-Z_]+)=.*change-me", example, re.MULTILINE)
        return [self.settings[name].rpartition(":")[2] for name in names]

    def set(self, name: str, value: str) -> None:
        """Adds a line to `.env`, which wins over one above it."""
        with (self.folder / ".env").open("a") as file:
            file.write(f"{name}={value}\n")

    def container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def services(self) -> dict[str, str]:
        """The containers, by the name of their service."""
        form = '{{.Label "com.docker.compose.service"}} {{.Names}}'
        return dict(line.split() for line in docker("ps", "--all", f"--format={form}", *self._mine()).splitlines())

    def states(self) -> dict[str, Any]:
        """How each container is, by the name of its service: `State` of `docker inspect`, and its id."""
        found = {service: inspect(container) for service, container in self.services().items()}
        return {service: {**state["State"], "Id": state["Id"]} for service, state in found.items()}

    def inside(self, service: str, *command: str) -> str:
        """Runs a command in a service's container; returns what it said."""
        return docker("exec", self.container(service), *command)

    def redis(self, user: str, *command: str) -> str:
        """What Redis says to one of its users."""
        login = f"REDISCLI_AUTH={self.settings[f'HANDOFF_REDIS_{user.upper()}_PASSWORD']}"
        cli = ["docker", "exec", "--env", login, self.container("redis"), "redis-cli", "--json", "--user", user]
        answer = attempt(*cli, *command)
        return (answer.stdout + answer.stderr).strip()

    def refused(self) -> str:
        """What Redis refused to anybody since it started: nothing, if the users may do what they have to."""
        entries = self.redis("admin", "ACL", "LOG")
        return "" if entries == "[]" else entries

    def notifications(self) -> list[str]:
        """The lines of the notification log in the workers' volume, whatever runs."""
        volume = f"{self.project}_worker:/data:ro"
        image = ["--entrypoint=cat", "handoff-flower:local", "/data/notification.log"]
        return docker("run", "--rm", f"--volume={volume}", *image).splitlines()

    def _mine(self) -> list[str]:
        return [f"--filter=label=com.docker.compose.project={self.project}"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Keeps the logs in the folder, which pytest keeps, and removes everything else."""
        for service, container in self.services().items():
            (self.folder / f"{service}.log").write_text(logs(container))
        for kind, remove in (("container", ["rm", "--force", "--volumes"]), ("network", ["rm"]), ("volume", ["rm"])):
            every = ["--all"] if kind == "container" else []
            if found := docker(kind, "ls", "--quiet", *every, *self._mine()).split():
                docker(kind, *remove, *found)
