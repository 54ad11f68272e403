"""The rendered bundles against the schemas of three releases of Kubernetes, and against checkov."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kubernetes_validate.utils import validate

from tests.unit.k8s.rendering import MANIFESTS, OVERLAYS, bundle, container, parse, pinned, render, workloads

MINORS = ("1.35", "1.36", "1.37")
FOREIGN = (
    "cert-manager.io/",
    "external-secrets.io/",
    "gateway.networking.k8s.io/",
    "keda.sh/",
    "monitoring.coreos.com/",
)
EXACT = re.compile(r".+(@sha256:[0-9a-f]{64}|:\d+\.\d+\.\d+)")
CHECKOV = Path(sys.prefix) / "checkov/bin/checkov"


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_bundle_is_valid(overlay: str, minor: str) -> None:
    ours = [resource for resource in bundle(overlay) if not resource["apiVersion"].startswith(FOREIGN)]
    assert len(ours) > 15
    for resource in ours:
        validate(resource, minor, strict=True)


def test_every_component_is_in_the_combination_of_all() -> None:
    there = {folder.name for folder in (MANIFESTS / "components").iterdir()}
    chosen = [name for overlay in OVERLAYS[1:] for name in components(overlay)]
    assert sorted(chosen) == sorted(there)
    assert chosen[-1] == "network-policies-off"


def components(overlay: str) -> list[str]:
    kustomization = yaml.safe_load((MANIFESTS / overlay / "kustomization.yaml").read_text())
    return [Path(component).name for component in kustomization["components"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_the_namespace_and_ours(overlay: str) -> None:
    resources = bundle(overlay)
    at_large = {each["kind"] for each in resources if "namespace" not in each["metadata"]}
    assert at_large == {"Namespace", "PriorityClass"}
    assert {each["metadata"].get("namespace") for each in resources} == {None, "handoff"}
    assert all(each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "handoff" for each in resources)
    assert not any(each["kind"] == "Secret" for each in resources)


def test_checkov_finds_nothing_and_every_skip_has_its_reason(tmp_path: Path) -> None:
    files = []
    for number, overlay in enumerate(OVERLAYS[:3]):
        (tmp_path / str(number)).mkdir()
        rendered = tmp_path / f"{number}.yaml"
        rendered.write_text(render(pinned(overlay, tmp_path / str(number))))
        resources = parse(rendered.read_text())
        if overlay != "overlays/dev":
            assert [
                image for each in workloads(resources) if not EXACT.fullmatch(image := container(each)["image"])
            ] == []
        files += ["--file", str(rendered)]
    command = [str(CHECKOV), "--framework=kubernetes", "--skip-download", "--output=json", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    results = json.loads(done.stdout)["results"]
    assert [(each["check_id"], each["resource"]) for each in results["failed_checks"]] == []
    assert len(results["passed_checks"]) > 1000
    assert all(len(each["check_result"]["suppress_comment"]) > 20 for each in results["skipped_checks"])
    assert done.returncode == 0
