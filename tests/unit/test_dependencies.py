"""An image holds what its lock names: whatever its code imports has to stand there."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {f"handoff_{path.parent.name}" for path in ROOT.glob("*/*/pyproject.toml")}


def outside(package: str) -> set[str]:
    """What a package's modules import from outside it and the standard library: top-level names."""
    graph = grimp.build_graph(package, include_external_packages=True, cache_dir=None)
    return {name.split(".")[0] for name in graph.modules if graph.is_module_squashed(name)} - sys.stdlib_module_names


def third_parties(package: str) -> set[str]:
    """The distributions that a package and the members it stands on import."""
    names = outside(package)
    providers = packages_distributions()
    direct = {providers[name][0].lower().replace("_", "-") for name in names - PACKAGES}
    return direct.union(*(third_parties(member) for member in names & PACKAGES))


@pytest.mark.parametrize("service", ["api", "worker", "flower"])
def test_an_image_holds_what_its_code_imports(service: str) -> None:
    lock = (ROOT / "requirements" / f"{service}.txt").read_text()
    assert third_parties(f"handoff_{service}") <= set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))


def test_contracts_import_pydantic_alone() -> None:
    assert third_parties("handoff_contracts") == {"pydantic"}
