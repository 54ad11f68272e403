import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes_validate import utils

from deploy import lock, render, revision, rollout, smoke
from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import overlay
from tests.unit.deploy.typed import typed

SCHEMAS = functools.cache(utils.schema_contents)  # several megabytes, for each object anew


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine and a cluster on which everything is there for a first deploy. No lock and no Job may be left."""
    monkeypatch.setattr(render, "BUILD", tmp_path / "build")
    monkeypatch.setattr(revision, "GOLDEN", tmp_path / "golden")
    monkeypatch.setattr(rollout, "STUCK_SECONDS", -1.0)
    monkeypatch.setattr(utils, "schema_contents", SCHEMAS)
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "system.echo.v1.json").write_text("{}")
    made = Machine(overlay)
    assert typed(made, "secrets") == 0
    made.cluster.calls.clear()
    yield made
    assert made.cluster.find("Lease", lock.NAME) is None
    assert made.cluster.find("Job", smoke.NAME) is None
