"""The layers of images, as `docker save` gives them."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import IO, NamedTuple

from tests.containers.engine import docker


class Layer(NamedTuple):
    """`size`: bytes of the files in it. `found`: which of the secrets are in it."""

    size: int
    files: list[str]
    found: list[str]


def save(images: list[str], file: Path, secrets: list[str]) -> dict[str, list[Layer]]:
    """The layers of each image, from its base up. What the images share is listed with each."""
    docker("save", f"--output={file}", *images, seconds=120)
    with tarfile.open(file) as archive:
        manifest = json.load(part(archive, "manifest.json"))
        names = {name for image in manifest for name in image["Layers"]}
        layers = {name: read(part(archive, name).read(), secrets) for name in names}
    return {image["RepoTags"][0]: [layers[name] for name in image["Layers"]] for image in manifest}


def part(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    assert file is not None, name
    return file


def read(content: bytes, secrets: list[str]) -> Layer:
    if content[:2] == b"\x1f\x8b":  # newer engines keep layers as they were pulled
        content = gzip.decompress(content)
    with tarfile.open(fileobj=io.BytesIO(content)) as layer:
        members = layer.getmembers()
    found = [secret for secret in secrets if secret.encode() in content]
    return Layer(sum(member.size for member in members), [member.name for member in members], found)
