"""A machine in memory: git, docker, LOAD and kubectl behind the one function that a deploy runs programs with."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from deploy.objects import Obj
from deploy.shell import MISSING, CommandResult
from tests.unit.deploy.fake_cluster import Cluster

DIGEST = f"sha256:{'c' * 64}"
Overlay = Callable[[Mapping[str, str]], list[Obj]]


class Machine:
    def __init__(self, overlay: Overlay) -> None:
        self.cluster = Cluster()
        self.overlay = overlay  # objects, given our images by their names
        self.revision, self.changes = "aaaaaaaaaaaa", ""  # git's
        self.images: set[str] = set()  # docker's
        self.published: set[str] = set()  # the registry's
        self.fails: dict[str, CommandResult] = {}  # how a command ends, by the beginning of its line
        self.lines: list[str] = []
        self.inputs: list[str] = []

    def __call__(
        self,
        command: Sequence[str],
        *,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> CommandResult:
        words = [word for word in command if not word.startswith(("--context=", "--namespace="))]
        line = " ".join(words)
        self.lines.append(" ".join(command))
        self.inputs.append(input or "")
        for beginning, ran in self.fails.items():
            if line.startswith(beginning):
                return ran
        if words[0] == "kubectl" and words[1] != "kustomize":
            return self.cluster.call(words[1:], input or "")
        answer = {"git": self._git, "docker": self._docker, "kubectl": self._kustomize, "true": self._load}.get(
            words[0]
        )
        return answer(words[1:]) if answer else CommandResult(MISSING, "", f"{words[0]} is not installed")

    def _git(self, words: Sequence[str]) -> CommandResult:
        answers = {"rev-parse": self.revision, "status": self.changes, "write-tree": "b" * 40}
        return CommandResult(0, answers.get(words[0], ""), "")

    def _docker(self, words: Sequence[str]) -> CommandResult:
        if words[0] == "build":
            self.images |= {word.removeprefix("--tag=") for word in words if word.startswith("--tag=")}
            self.cluster.calls.append("build")
        if words[:2] == ["image", "inspect"]:
            if "--format={{json .RepoDigests}}" in words:
                return CommandResult(0, json.dumps([f"{words[2].rpartition(':')[0]}@{DIGEST}"]), "")
            return CommandResult(0 if words[2] in self.images else 1, "", "")
        if words[:2] == ["push", "--quiet"]:
            self.published.add(words[2])
        if words[:3] == ["buildx", "imagetools", "inspect"]:
            there = words[3] in self.published
            return CommandResult(0, json.dumps({"digest": DIGEST}), "") if there else CommandResult(1, "", "not found")
        return CommandResult(0, "", "")

    def _load(self, words: Sequence[str]) -> CommandResult:
        self.cluster.calls.append(f"load {' '.join(words)}")
        return CommandResult(0, "", "")

    def _kustomize(self, words: Sequence[str]) -> CommandResult:
        file, images = Path(words[1], "kustomization.yaml"), dict[str, str]()
        for entry in yaml.safe_load(file.read_text()).get("images", []) if file.parent.parent.name == "build" else []:
            pin = f"@{entry['digest']}" if "digest" in entry else f":{entry['newTag']}"
            images[entry["name"]] = entry["newName"] + pin
        return CommandResult(0, yaml.safe_dump_all(self.overlay(images)), "")
