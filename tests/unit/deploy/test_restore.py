"""A deploy that fails or is interrupted leaves the old bundle, or says what it leaves."""

import pytest

from deploy import lock, rollout
from deploy.errors import Failed
from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import add_config, overlay
from tests.unit.deploy.seen import NEW, image, states
from tests.unit.deploy.typed import deploy, typed

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("part", ["handoff-worker", "handoff-api", "handoff-flower"])
def test_a_bundle_that_does_not_get_ready_is_rolled_back(machine: Machine, capsys: Capture, part: str) -> None:
    assert deploy(machine) == 0
    machine.overlay = add_config
    machine.cluster.broken = {f"{part}:{NEW}"}
    assert deploy(machine, NEW) == 1
    assert {image(machine.cluster, name)[-12:] for name in ("api", "worker", "worker-bulk", "flower")} == {"a" * 12}
    assert machine.cluster.find("ConfigMap", "handoff-new") is None
    assert states(machine.cluster) == [("a" * 12, "proven"), (NEW, "undone")]
    told = capsys.readouterr()
    assert "CrashLoopBackOff, exit code 3" in told.err
    assert "Now bundle 1 (aaaaaaaaaaaa) runs again and passed its smoke test." in told.err
    assert "event  BackOff: Back-off restarting failed container" in told.out
    assert "log    the log of" in told.out


def test_the_old_api_is_not_touched_when_the_workers_fail(machine: Machine) -> None:
    assert deploy(machine) == 0
    machine.cluster.broken = {f"handoff-worker:{NEW}"}
    machine.cluster.calls.clear()
    assert deploy(machine, NEW) == 1
    calls = [call for call in machine.cluster.calls if call.startswith("apply")]
    assert [call for call in calls if "Deployment api" in call] == [calls[-2]]  # the one that puts it back


def test_a_failing_smoke_test_is_rolled_back(
    machine: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy(machine) == 0
    monkeypatch.setattr(rollout, "progress", lambda obj, live: rollout.Progress(name="x", done=True))
    machine.cluster.broken = {f"handoff-api:{NEW}"}  # ready, and its smoke Job fails
    assert deploy(machine, NEW) == 1
    assert image(machine.cluster, "api") == "handoff-api:aaaaaaaaaaaa"
    assert "The smoke test failed" in capsys.readouterr().err


def test_when_both_bundles_fail_their_smoke_test_the_old_one_runs(
    machine: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy(machine) == 0
    monkeypatch.setattr(rollout, "progress", lambda obj, live: rollout.Progress(name="x", done=True))
    machine.cluster.broken = {"handoff-api:aaaaaaaaaaaa", f"handoff-api:{NEW}"}
    assert deploy(machine, NEW) == 1
    assert image(machine.cluster, "api") == "handoff-api:aaaaaaaaaaaa"
    assert states(machine.cluster) == [("a" * 12, "proven"), (NEW, "undone")]
    assert "runs again, but its smoke test also fails" in capsys.readouterr().err


def test_a_bundle_that_cannot_be_restored(machine: Machine, capsys: Capture) -> None:
    assert deploy(machine) == 0
    machine.cluster.broken = {"handoff-worker:aaaaaaaaaaaa", f"handoff-api:{NEW}"}
    assert deploy(machine, NEW) == 1
    assert states(machine.cluster) == [("a" * 12, "proven"), (NEW, "started")]
    assert "Restoring bundle 1 (aaaaaaaaaaaa) failed: worker" in capsys.readouterr().err
    machine.cluster.broken = set()
    assert typed(machine, "rollback", "--yes") == 0
    assert image(machine.cluster, "api") == "handoff-api:aaaaaaaaaaaa"


def test_a_failed_first_deploy_says_how_to_continue(machine: Machine, capsys: Capture) -> None:
    machine.cluster.broken = {"handoff-api:aaaaaaaaaaaa"}
    assert deploy(machine) == 1
    assert "There is no older bundle to restore" in capsys.readouterr().err
    machine.cluster.broken = set()
    assert deploy(machine, NEW) == 0
    assert states(machine.cluster) == [(NEW, "proven")]


def test_a_failing_running_bundle_is_not_restored(machine: Machine, capsys: Capture) -> None:
    assert deploy(machine) == 0
    machine.cluster.broken = {"handoff-api:aaaaaaaaaaaa"}
    assert deploy(machine) == 1
    assert "there is nothing else to restore" in capsys.readouterr().err
    assert states(machine.cluster) == [("a" * 12, "proven")]


def test_an_interrupt_releases_the_lock_and_says_what_is_there(
    machine: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy(machine) == 0
    machine.overlay = add_config

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rollout.Rollout, "wait", interrupt)
        assert deploy(machine, NEW) == 130
    assert "Interrupted: parts of bundle 2 (bbbbbbbbbbbb) are applied" in capsys.readouterr().err
    assert machine.cluster.find("Lease", lock.NAME) is None
    machine.overlay = overlay
    assert typed(machine, "rollback", "--yes") == 0
    assert image(machine.cluster, "api") == "handoff-api:aaaaaaaaaaaa"
    assert machine.cluster.find("ConfigMap", "handoff-new") is None


def test_an_interrupt_before_anything_is_applied(
    machine: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deploy.deployment.provide", interrupt)
    assert deploy(machine) == 130
    assert capsys.readouterr().err == "Interrupted; nothing changed.\n"
    assert machine.cluster.changed == []


def test_an_interrupt_while_the_old_bundle_is_put_back(
    machine: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy(machine) == 0
    waits = iter([Failed("it crashes."), KeyboardInterrupt()])

    def fail(*_: object) -> None:
        raise next(waits)

    monkeypatch.setattr(rollout.Rollout, "wait", fail)
    assert deploy(machine, NEW) == 130
    assert (
        "Interrupted: parts of bundle 1 (aaaaaaaaaaaa) are restored; `make rollback` restores the rest."
        in capsys.readouterr().err
    )
