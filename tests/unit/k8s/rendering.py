"""Renders the manifests as `kubectl kustomize` does, also where there is no kubectl."""

import ctypes
import platform
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]
MANIFESTS = Path(__file__).resolve().parents[3] / "deploy/k8s"
OVERLAYS = ("overlays/dev", "overlays/production", "tests/connected", "tests/everything")
IMAGES = ("handoff-api", "handoff-worker", "handoff-flower")
TAG, DIGEST = "abc1234", "sha256:" + "0" * 64
LIBRARY = Path(sys.prefix) / "kustomize/pykustomize/_lib/linux-amd64/libpykustomize.so"


def render(folder: Path) -> str:
    """The YAML of a kustomization. Raises `ValueError` with kustomize's words."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):  # what the library is built for
        done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr)
        return done.stdout
    kustomize, text = ctypes.CDLL(str(LIBRARY)), ctypes.c_char_p()
    kustomize.pykustomize_last_error.restype = ctypes.c_char_p
    if kustomize.pykustomize_build(str(folder).encode(), b"{}", ctypes.byref(text)):
        raise ValueError(kustomize.pykustomize_last_error().decode())
    return (text.value or b"").decode()


def pinned(overlay: str, folder: Path) -> Path:
    """Copies the manifests into `folder`, with the images that a deployment sets. Gives what to render."""
    shutil.copytree(MANIFESTS, folder / "k8s")
    name = {"newTag": TAG} if overlay == "overlays/dev" else {"digest": DIGEST}
    top = folder / "k8s/bundle"
    top.mkdir()
    images = [{"name": image, "newName": f"registry.example/{image}", **name} for image in IMAGES]
    (top / "kustomization.yaml").write_text(yaml.safe_dump({"resources": [f"../{overlay}"], "images": images}))
    return top


def parse(text: str) -> list[Resource]:
    return list(yaml.load_all(text, yaml.CSafeLoader))


@cache
def bundle(overlay: str) -> list[Resource]:
    """What an overlay, or a component's combination, renders to."""
    return parse(render(MANIFESTS / overlay))


def of_kind(resources: list[Resource], *kinds: str) -> list[Resource]:
    return [resource for resource in resources if resource["kind"] in kinds]


def named(resources: list[Resource], kind: str, name: str) -> Resource:
    """The resource of this name, with or without the hash of its content."""
    (found,) = (
        each
        for each in of_kind(resources, kind)
        if re.fullmatch(rf"{re.escape(name)}(-[a-z0-9]{{10}})?", each["metadata"]["name"])
    )
    return found


def workloads(resources: list[Resource]) -> list[Resource]:
    return of_kind(resources, "Deployment", "StatefulSet")


def pod(workload: Resource) -> Resource:
    spec: Resource = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Resource) -> Resource:
    (only,) = pod(workload)["containers"]
    assert isinstance(only, dict)
    return only


def labels(workload: Resource) -> dict[str, str]:
    found: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


def component(workload: Resource) -> str:
    return labels(workload)["app.kubernetes.io/component"]
