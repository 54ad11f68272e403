"""Going back, looking, and taking away."""

import pytest

from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import config, overlay
from tests.unit.deploy.seen import NEW, OLD, image, states
from tests.unit.deploy.typed import deploy, typed

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def twice(machine: Machine) -> Machine:
    """Two bundles were deployed; the second one has another setting."""
    machine.overlay = lambda images: [*overlay(images), config("handoff-settings-1", "old")]
    assert deploy(machine, OLD) == 0
    machine.overlay = lambda images: [*overlay(images), config("handoff-settings-2", "new")]
    assert deploy(machine, NEW) == 0
    return machine


def test_a_rollback_restores_settings(twice: Machine, capsys: Capture) -> None:
    assert typed(twice, "rollback", "--yes") == 0
    assert image(twice.cluster, "api") == f"handoff-api:{OLD}"
    assert twice.cluster.find("ConfigMap", "handoff-settings-1")
    assert twice.cluster.find("ConfigMap", "handoff-settings-2") is None
    assert states(twice.cluster) == [(OLD, "proven"), (NEW, "proven"), (OLD, "proven")]
    assert "Bundle 3 (aaaaaaaaaaaa) runs" in capsys.readouterr().out


def test_a_rollback_to_a_number(twice: Machine) -> None:
    assert typed(twice, "rollback", "--yes") == 0
    assert typed(twice, "rollback", "--yes", to="2") == 0
    assert image(twice.cluster, "api") == f"handoff-api:{NEW}"


def test_a_failed_rollback_restores_the_running_bundle(twice: Machine, capsys: Capture) -> None:
    twice.cluster.broken = {f"handoff-api:{OLD}"}
    assert typed(twice, "rollback", "--yes") == 1
    assert image(twice.cluster, "api") == f"handoff-api:{NEW}"
    assert "bundle 2 (bbbbbbbbbbbb) runs again" in capsys.readouterr().err


def test_an_unknown_bundle_number(twice: Machine, capsys: Capture) -> None:
    before = list(twice.cluster.changed)
    assert typed(twice, "rollback", "--yes", to="9") == 2
    assert capsys.readouterr().err == "There is no proven bundle 9: TO is one of 2, 1.\n"
    assert twice.cluster.changed == before


def test_a_bundle_number_that_is_not_a_number(twice: Machine, capsys: Capture) -> None:
    assert typed(twice, "rollback", "--yes", to="x") == 2
    assert capsys.readouterr().err == "TO=x is not the number of a bundle: `make status` lists them.\n"


def test_no_older_bundle(machine: Machine, capsys: Capture) -> None:
    assert typed(machine, "rollback", "--yes") == 2
    assert deploy(machine) == 0
    assert typed(machine, "rollback", "--yes") == 2
    assert capsys.readouterr().err == "There is no older bundle.\n" * 2


def test_status(twice: Machine, capsys: Capture) -> None:
    capsys.readouterr()
    assert typed(twice, "status") == 0
    out = capsys.readouterr().out
    assert "bundle 2    proven   bbbbbbbbbbbb" in out
    assert "worker-bulk          1/1 ready\n" in out
    assert "waiting   high 3" in out


def test_status_of_nothing(machine: Machine, capsys: Capture) -> None:
    assert typed(machine, "status") == 0
    assert "No proven bundle in the namespace handoff." in capsys.readouterr().out


def test_undeploy_keeps_data_and_says_so(twice: Machine, capsys: Capture) -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-redis-0"}}
    twice.cluster.put(claim)
    twice.cluster.put(config("someone-elses", ""))
    assert typed(twice, "undeploy", "--yes") == 0
    left = {kind: len(twice.cluster.all(kind)) for kind in ("Deployment", "StatefulSet", "Service", "ConfigMap")}
    assert left == {"Deployment": 0, "StatefulSet": 0, "Service": 0, "ConfigMap": 1}
    kept = {secret["metadata"]["name"] for secret in twice.cluster.all("Secret")}
    assert kept == {"handoff-api", "handoff-flower", "handoff-redis", "handoff-redis-urls", "handoff-smoke"}
    out = capsys.readouterr().out
    assert "persistentvolumeclaim/data-redis-0" in out
    assert "`make undeploy CONTEXT=lab OVERLAY=dev DATA=1` deletes these, too." in out


def test_undeploy_stops_intake_before_workers_and_redis_last(twice: Machine) -> None:
    twice.cluster.calls.clear()
    assert typed(twice, "undeploy", "--yes") == 0
    first, second, third = [
        call for call in twice.cluster.changed if call.startswith("delete ") and "secrets" not in call
    ]
    assert first == "delete Deployment api"
    assert {"worker", "worker-bulk", "flower"} <= set(second.split())
    assert "StatefulSet redis" in third


def test_undeploy_with_data_deletes_the_namespace(twice: Machine) -> None:
    assert typed(twice, "undeploy", "--yes", "--data") == 0
    assert twice.cluster.find("Namespace", "handoff") is None


def test_undeploy_asks_for_the_name(twice: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    before = list(twice.cluster.changed)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert typed(twice, "undeploy") == 2
    assert capsys.readouterr().err == "Nothing was changed.\n"
    assert twice.cluster.changed == before
    monkeypatch.setattr("builtins.input", lambda question: "handoff")
    assert typed(twice, "undeploy") == 0


def test_undeploy_of_nothing(machine: Machine, capsys: Capture) -> None:
    assert typed(machine, "undeploy", "--yes") == 2
    assert "Handoff is not deployed" in capsys.readouterr().err
    assert machine.cluster.changed == []


def test_undeploy_without_a_terminal(machine: Machine, capsys: Capture) -> None:
    assert typed(machine, "undeploy") == 2
    assert "set YES=1" in capsys.readouterr().err
