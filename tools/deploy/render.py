"""Renders an overlay into objects. It writes only to build/<revision>/ and never edits tracked files."""

import os
from collections.abc import Iterable
from pathlib import Path

import yaml

from deploy.errors import Refused
from deploy.images import Image
from deploy.objects import Obj, of_kind
from deploy.shell import ROOT, Run

OVERLAYS = ROOT / "deploy" / "k8s" / "overlays"
BUILD = ROOT / "build"


def overlays() -> list[str]:
    return sorted(path.parent.name for path in OVERLAYS.glob("*/kustomization.yaml"))


def folder_of(revision: str) -> Path:
    return BUILD / revision


def render(run: Run, overlay: str, revision: str = "", images: Iterable[Image] = ()) -> list[Obj]:
    """Return the overlay's objects. With a revision, use its images and write build/<revision>/.

    Raises:
        Refused: kustomize cannot build the overlay.
    """
    if not revision:
        return _build(run, OVERLAYS / overlay)[1]
    folder = folder_of(revision)
    folder.mkdir(parents=True, exist_ok=True)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(OVERLAYS / overlay, folder)],
        "images": [image.as_kustomize() for image in images],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization, sort_keys=False))
    text, objects = _build(run, folder)
    (folder / "bundle.yaml").write_text(text)
    return objects


def _build(run: Run, folder: Path) -> tuple[str, list[Obj]]:
    ran = run(["kubectl", "kustomize", str(folder)])
    if ran.code:
        raise Refused(f"{os.path.relpath(folder, ROOT)} does not render: {ran.reason}.")
    return ran.out, [obj for obj in yaml.load_all(ran.out, Loader=yaml.CSafeLoader) if obj]


def namespace_of(objects: Iterable[Obj]) -> str:
    """Return the namespace of the workloads.

    Raises:
        Refused: they are in several namespaces or in none.
    """
    names = {obj["metadata"].get("namespace", "") for obj in of_kind(objects, "Deployment", "StatefulSet")}
    if len(names) != 1 or not (name := names.pop()):
        raise Refused("The overlay does not put all workloads into one namespace: set `namespace:` in it.")
    return str(name)
