"""The three images: small, for one service each, and without a secret."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement

from stack import ROOT
from tests.containers.clone import Clone
from tests.containers.engine import docker
from tests.containers.layers import Layer, save

SERVICES = ("api", "worker", "flower")
LIMITS_MB = {"api": 90, "worker": 120, "flower": 75}  # on top of the base image
FOREIGN = {
    "api": {"celery", "kombu", "flower"},
    "worker": {"fastapi", "starlette", "uvicorn", "gunicorn", "flower"},
    "flower": {"fastapi", "starlette", "uvicorn", "gunicorn"},
}
CONTENTS = Path(__file__).with_name("contents.py")


class Images(NamedTuple):
    contents: dict[str, Any]
    layers: dict[str, list[Layer]]
    secrets: list[str]


@pytest.fixture(scope="module")
def images(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Images:
    """The images that `make images` builds where an `.env` with secrets lies in the build's folder."""
    answer = clone.make("images")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert all(f"handoff-{service}" in answer.stdout for service in SERVICES)
    code = f"--volume={CONTENTS}:/contents.py:ro"
    run = ["run", "--rm", "--read-only", "--network=none", code, "--entrypoint=python"]
    contents = {service: json.loads(docker(*run, f"handoff-{service}:local", "/contents.py")) for service in SERVICES}
    file = tmp_path_factory.mktemp("images") / "images.tar"
    layers = save([f"handoff-{service}:local" for service in SERVICES], file, clone.secrets)
    file.unlink()
    return Images(contents, layers, clone.secrets)


def lock(service: str, environment: dict[str, str]) -> dict[str, str]:
    """What a service's lock asks for where the image runs: name and version."""
    lines = re.findall(r"^[a-z0-9].*(?=\\$)", (ROOT / "requirements" / f"{service}.txt").read_text(), re.MULTILINE)
    wanted = [Requirement(line) for line in lines]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in wanted
        if each.marker is None or each.marker.evaluate(environment)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_it_holds_its_lock_and_its_members_and_nothing_else(images: Images, service: str) -> None:
    contents = images.contents[service]
    packages = ["common", "contracts", *(["http2"] if service == "worker" else []), "ledger"]
    members = {f"handoff-{name}" for name in (*packages, service)}
    locked = lock(service, contents["environment"])
    held = contents["distributions"]
    assert {name: version for name, version in held.items() if name not in members} == locked
    assert held.keys() - locked.keys() == members
    assert contents["members"] == sorted(f"handoff_{name}" for name in (*packages, service))
    assert FOREIGN[service] & held.keys() == set()


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_in_it_builds_or_installs(images: Images, service: str) -> None:
    assert images.contents[service]["programs"] == []


@pytest.mark.parametrize("service", SERVICES)
def test_its_modules_are_compiled(images: Images, service: str) -> None:
    assert images.contents[service]["uncompiled"] == []


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_small(images: Images, service: str) -> None:
    of_all = list(zip(*images.layers.values(), strict=False))
    base = next(at for at, layers in enumerate(of_all) if len(set(map(id, layers))) > 1)
    assert base > 0
    megabytes = sum(layer.size for layer in images.layers[f"handoff-{service}:local"][base:]) / 1e6
    assert 10 < megabytes <= LIMITS_MB[service]


@pytest.mark.parametrize("service", SERVICES)
def test_it_says_what_it_is_and_runs_as_nobody_in_particular(images: Images, service: str) -> None:
    config = json.loads(docker("image", "inspect", f"handoff-{service}:local"))[0]["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == f"handoff-{service}"
    assert labels["licenses"] == "MIT"
    assert labels["description"]
    assert labels["revision"]
    assert labels["revision"] != "unknown"
    assert config["User"] == "10001:10001"
    assert images.contents[service]["user"] == [10001, 10001]
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    assert (config["Entrypoint"] or config["Cmd"])[0] not in ("sh", "/bin/sh")


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_in_it(images: Images, service: str) -> None:
    image = f"handoff-{service}:local"
    assert [layer.found for layer in images.layers[image] if layer.found] == []
    files = [name for layer in images.layers[image] for name in layer.files]
    assert [name for name in files if Path(name).name in (".env", ".git", "users.acl")] == []
    told = docker("history", "--no-trunc", image) + docker("image", "inspect", image)
    assert [secret for secret in images.secrets if secret in told] == []
