"""The compose files by themselves: Compose reads them, and dclint has nothing to say."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from stack import ROOT, clean_environment
from tests.containers.engine import attempt, run, said

FOLDER = ROOT / "deploy" / "compose"
PRODUCTION = ["compose.yaml"]
DEVELOPMENT = ["compose.yaml", "compose.override.yaml"]


def config(files: list[str]) -> Any:
    """What Compose makes of the files and of no setting at all. It has no complaint."""
    command = ["docker", "compose", *(f"--file={FOLDER / file}" for file in files), "config", "--format=json"]
    answer = attempt(*command, env=clean_environment())
    assert (answer.returncode, answer.stderr) == (0, "")
    return json.loads(answer.stdout)


def test_production_publishes_nothing_and_limits_everything() -> None:
    services = config(PRODUCTION)["services"]
    assert services.keys() == {"api", "flower", "redis", "worker", "worker-bulk", "worker-documents"}
    for name, service in services.items():
        assert "ports" not in service, name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert service["stop_grace_period"], name
        assert service["logging"]["options"]["max-size"], name


def test_development_publishes_on_this_machine_alone_and_keeps_the_rest() -> None:
    base, services = config(PRODUCTION)["services"], config(DEVELOPMENT)["services"]
    assert {name: service["ports"][0]["host_ip"] for name, service in services.items() if "ports" in service} == {
        "api": "127.0.0.1",
        "flower": "127.0.0.1",
    }
    assert services.keys() - base.keys() == {"mail"}
    for name, service in base.items():
        differs = {key for key in {*service, *services[name]} if service.get(key) != services[name].get(key)}
        assert differs <= {"build", "environment", "image", "ports", "volumes"}, name
    assert services["redis"] == base["redis"]


@pytest.fixture(scope="module")
def dclint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dclint")
    for file in ("package.json", "package-lock.json"):
        shutil.copy(FOLDER / file, folder)
    run("npm", "ci", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", seconds=120)
    return folder / "node_modules" / ".bin" / "dclint"


@pytest.mark.parametrize("file", DEVELOPMENT)
def test_dclint_has_nothing_to_say(dclint: Path, file: str) -> None:
    answer = attempt(str(dclint), "--max-warnings=0", str(FOLDER / file))
    assert (answer.returncode, said(answer)) == (0, "")


def test_dclint_says_what_is_wrong(dclint: Path, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text('services:\n  one:\n    image: redis\n    ports: ["6379:6379"]\n')
    answer = attempt(str(dclint), "--max-warnings=0", str(tmp_path))
    assert answer.returncode != 0
    assert "no-unbound-port-interfaces" in answer.stdout
