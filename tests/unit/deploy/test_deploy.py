"""A deploy's order, what it leaves in the cluster, and how it goes back."""

from pathlib import Path
from typing import Any

import pytest

from deploy import records, smoke
from deploy.kubectl import Kubectl
from deploy.objects import key
from deploy.records import Bundle, Records
from deploy.release import prune_candidates, stages
from deploy.shell import CommandResult
from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import add_config, config, overlay
from tests.unit.deploy.seen import NEW, image, states
from tests.unit.deploy.typed import deploy, typed

Capture = pytest.CaptureFixture[str]


def test_a_first_deploy(machine: Machine, capsys: Capture) -> None:
    assert deploy(machine) == 0
    stages = [call for call in machine.cluster.changed if "Secret" not in call and "patch" not in call]
    assert [call.rpartition(" ")[2] for call in stages if call.startswith("apply")] == [
        "redis",
        "worker-bulk",
        "api",
        "flower",
    ]
    names = [f"handoff-{name}:aaaaaaaaaaaa" for name in ("api", "flower", "worker")]
    assert machine.cluster.calls.index(f"load {' '.join(names)}") < machine.cluster.calls.index(stages[0])
    assert states(machine.cluster) == [("aaaaaaaaaaaa", "proven")]
    out = capsys.readouterr().out
    assert "the log of job/handoff-smoke" in out
    assert "port-forward service/api 8000:80" in out


def test_the_first_deploy_to_a_test_cluster_creates_the_secrets(machine: Machine, capsys: Capture) -> None:
    names = [secret["metadata"]["name"] for secret in machine.cluster.all("Secret")]
    machine.cluster.call(["delete", "namespace", "handoff"], "")
    machine.cluster.call(["delete", "secret", *names], "")
    capsys.readouterr()
    assert deploy(machine) == 0
    assert {*names} <= {secret["metadata"]["name"] for secret in machine.cluster.all("Secret")}
    assert "handoff-api: created" in capsys.readouterr().out


def test_every_call_names_its_context_and_namespace(machine: Machine) -> None:
    assert deploy(machine) == 0
    calls = [line for line in machine.lines if line.startswith("kubectl") and "kustomize" not in line]
    assert all("--context=lab --namespace=handoff " in line for line in calls if "config get-contexts" not in line)


def test_the_same_revision_again_changes_nothing(machine: Machine, tmp_path: Path, capsys: Capture) -> None:
    assert deploy(machine) == 0
    first = (tmp_path / "build" / "aaaaaaaaaaaa" / "bundle.yaml").read_bytes()
    machine.cluster.calls.clear()
    assert deploy(machine) == 0
    assert "build" not in machine.cluster.calls
    assert (tmp_path / "build" / "aaaaaaaaaaaa" / "bundle.yaml").read_bytes() == first
    assert states(machine.cluster) == [("aaaaaaaaaaaa", "proven")]
    assert "The cluster already has every object" in capsys.readouterr().out


def test_a_registry_gives_the_digests(machine: Machine) -> None:
    for builds in (3, 3):  # the second time it is there
        assert typed(machine, "deploy", "--yes", registry="registry.example.com/team/") == 0
        assert image(machine.cluster, "worker") == f"registry.example.com/team/handoff-worker@sha256:{'c' * 64}"
        assert machine.cluster.calls.count("build") == builds


def order(before: list[str], after: list[str]) -> list[str]:
    bundle = Bundle(revision="", overlay="", contracts=after, objects=overlay({}))
    return [name for name, _ in stages(bundle, before)][1:]


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        ([], ["a.v1"], "workers"),
        (["a.v1"], ["a.v1"], "workers"),
        (["a.v1"], ["a.v1", "b.v1"], "workers"),
        (["a.v1", "b.v1"], ["a.v1"], "API"),
        (["a.v1", "b.v1"], ["a.v1", "c.v1"], "workers"),
    ],
)
def test_workers_go_before_the_api_unless_contracts_are_only_removed(
    before: list[str], after: list[str], first: str
) -> None:
    second = {"workers": "API", "API": "workers"}[first]
    assert order(before, after) == [first, second, "Flower"]


def test_what_the_last_bundle_owned_is_pruned_but_never_data(machine: Machine) -> None:
    kept: Any = [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "handoff"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine", "namespace": "handoff"}},
    ]
    machine.cluster.put(config("someone-elses", "1"))
    owned = {key(obj): obj for obj in [*add_config({}), *kept]}
    assert [obj["metadata"]["name"] for obj in prune_candidates(owned, overlay({}))] == ["handoff-new"]

    machine.overlay = add_config
    assert deploy(machine) == 0
    machine.overlay = overlay
    assert deploy(machine, NEW) == 0
    assert machine.cluster.find("ConfigMap", "handoff-new") is None
    assert machine.cluster.find("ConfigMap", "someone-elses") is not None


def test_a_bundle_that_cannot_be_recorded_is_not_applied(
    machine: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_BUNDLE_BYTES", 100)
    assert deploy(machine) == 2
    assert "this is too large to record, so nothing was applied." in capsys.readouterr().err
    assert machine.cluster.changed == []


def test_the_last_five_proven_bundles_are_kept(machine: Machine) -> None:
    for number in range(7):
        assert deploy(machine, f"{number:012}") == 0
    assert [revision for revision, _ in states(machine.cluster)] == [f"{number:012}" for number in range(2, 7)]


def test_an_answer_other_than_yes_changes_nothing(
    machine: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert typed(machine, "deploy") == 2
    assert capsys.readouterr().err == "Nothing was changed.\n"
    assert machine.cluster.changed == []


def test_an_api_server_that_is_away_for_a_moment_fails_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = iter([True, True])
    call = machine.cluster.call

    def flaky(words: list[str], input: str) -> CommandResult:
        if words[0] == "apply" and next(away, False):
            return CommandResult(
                1, "", "The connection to the server was refused - did you specify the right host or port?"
            )
        return call(words, input)

    monkeypatch.setattr("deploy.kubectl.RETRY_SECONDS", 0)
    monkeypatch.setattr(machine.cluster, "call", flaky)
    assert deploy(machine) == 0


def test_the_smoke_job_is_restricted_and_has_no_key_in_it(machine: Machine) -> None:
    assert deploy(machine) == 0
    job = next(text for text in machine.inputs if '"kind": "Job"' in text and '"List"' not in text)
    assert '"runAsNonRoot": true' in job
    assert '"drop": ["ALL"]' in job
    assert "hk_" not in job.replace("hk_nobody", "")
    assert smoke.SECRET in job


def test_records_hold_what_was_applied(machine: Machine) -> None:
    assert deploy(machine) == 0
    record = Records(Kubectl("lab", "handoff", runner=machine)).all()[0]
    assert record.bundle.contracts == ["system.echo.v1"]
    assert record.bundle.objects == overlay(
        {f"handoff-{n}": f"handoff-{n}:{'a' * 12}" for n in ("api", "worker", "flower")}
    )
