"""Each problem before a deploy is one sentence, with exit code 2, and nothing changes."""

from datetime import UTC, datetime

import pytest

from deploy import lock, render
from deploy.shell import MISSING, CommandResult
from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import meta
from tests.unit.deploy.typed import deploy, refused, typed

Capture = pytest.CaptureFixture[str]


def test_no_context(machine: Machine, capsys: Capture) -> None:
    assert "Set the cluster: CONTEXT=name, one of lab." in refused(machine, capsys, context="")


def test_a_context_that_is_not_known(machine: Machine, capsys: Capture) -> None:
    assert "kubectl has no context moon" in refused(machine, capsys, context="moon")


def test_no_kubectl(machine: Machine, capsys: Capture) -> None:
    machine.fails["kubectl"] = CommandResult(MISSING, "", "kubectl is not installed")
    assert refused(machine, capsys) == "kubectl is not installed.\n"


def test_a_cluster_that_does_not_answer(machine: Machine, capsys: Capture) -> None:
    machine.fails["kubectl version"] = CommandResult(1, "", "Unable to connect to the server: dial tcp: i/o timeout")
    assert "does not answer: Unable to connect to the server" in refused(machine, capsys)


def test_a_cluster_that_is_too_old(machine: Machine, capsys: Capture) -> None:
    machine.cluster.minor = "33+"
    assert "runs Kubernetes 1.33: Handoff needs 1.34 or newer" in refused(machine, capsys)


def test_no_rights(machine: Machine, capsys: Capture) -> None:
    machine.cluster.denied = {"deployments", "leases"}
    sentence = refused(machine, capsys)
    assert "get, list, watch, create, patch, delete deployments" in sentence
    assert "update, delete leases" in sentence


def test_changes_that_are_not_committed(machine: Machine, capsys: Capture) -> None:
    machine.changes = " M README.md"
    assert "commit them, or set ALLOW_DIRTY=1" in refused(machine, capsys)
    assert typed(machine, "deploy", "--yes", "--allow-dirty") == 0
    assert "handoff-api:aaaaaaaaaaaa-bbbbbbbbbbbb" in machine.images


def test_no_checkout(machine: Machine, capsys: Capture) -> None:
    machine.fails["git rev-parse"] = CommandResult(128, "", "fatal: not a git repository")
    assert "is not a git checkout" in refused(machine, capsys)


def test_neither_registry_nor_load(machine: Machine, capsys: Capture) -> None:
    assert "REGISTRY=" in refused(machine, capsys, load="")


def test_both_registry_and_load(machine: Machine, capsys: Capture) -> None:
    assert "Set one of two" in refused(machine, capsys, load="true", registry="registry.example.com/team")


@pytest.mark.parametrize("command", ["no-such-program load", "'"])
def test_a_load_that_is_no_program(machine: Machine, capsys: Capture, command: str) -> None:
    assert f"LOAD={command} is not an installed program" in refused(machine, capsys, load=command)


def test_no_docker(machine: Machine, capsys: Capture) -> None:
    machine.fails["docker"] = CommandResult(MISSING, "", "docker is not installed")
    assert "docker is not installed" in refused(machine, capsys)


def test_a_docker_that_does_not_answer(machine: Machine, capsys: Capture) -> None:
    machine.fails["docker version"] = CommandResult(1, "", "Cannot connect to the Docker daemon. Is it running?")
    assert "docker does not answer: Cannot connect" in refused(machine, capsys)


def test_a_registry_that_does_not_answer(machine: Machine, capsys: Capture) -> None:
    machine.fails["docker buildx imagetools"] = CommandResult(
        1, "", "ERROR: failed to do request: dial tcp: no such host"
    )
    sentence = refused(machine, capsys, load="", registry="registry.example.com/team")
    assert "The registry of registry.example.com/team does not answer: failed to do request" in sentence


def test_a_registry_that_refuses_a_push(machine: Machine, capsys: Capture) -> None:
    machine.fails["docker push"] = CommandResult(1, "", "denied: requested access to the resource is denied")
    sentence = refused(machine, capsys, load="", registry="registry.example.com/team")
    assert "registry.example.com/team/handoff-api:aaaaaaaaaaaa cannot be pushed: denied" in sentence


def test_an_overlay_that_is_not_there(machine: Machine, capsys: Capture) -> None:
    assert "There is no overlay moon: OVERLAY is one of dev" in refused(machine, capsys, overlay="moon")


@pytest.mark.parametrize("overlay", ["..", "../overlays/dev", "dev/", "/"])
def test_an_overlay_is_a_name(machine: Machine, capsys: Capture, overlay: str) -> None:
    assert f"There is no overlay {overlay}" in refused(machine, capsys, overlay=overlay)


def test_no_terminal(machine: Machine, capsys: Capture) -> None:
    assert "set YES=1" in refused(machine, capsys, "--allow-dirty")


def test_no_namespace(machine: Machine, capsys: Capture) -> None:
    machine.cluster.call(["delete", "namespace", "handoff"], "")
    machine.cluster.calls.clear()
    assert "`make secrets CONTEXT=lab` creates it" in refused(machine, capsys, overlay="production")


def test_a_missing_secret(machine: Machine, capsys: Capture) -> None:
    machine.cluster.call(["delete", "secret", "handoff-flower"], "")
    machine.cluster.calls.clear()
    sentence = refused(machine, capsys)
    assert (
        "The Secret handoff-flower (FLOWER_BASIC_AUTH, FLOWER_COOKIE_SECRET) is missing: run `make secrets CONTEXT=lab"
        in sentence
    )


def test_a_secret_without_its_key(machine: Machine, capsys: Capture) -> None:
    machine.cluster.put(
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta("handoff-redis-urls"), "data": {"api": ""}}
    )
    assert "The Secret handoff-redis-urls lacks worker" in refused(machine, capsys)


def test_another_deploy_is_running(machine: Machine, capsys: Capture) -> None:
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    spec = {"holderIdentity": "ann@elsewhere", "leaseDurationSeconds": 60, "renewTime": now}
    machine.cluster.put({"kind": "Lease", "metadata": {"name": lock.NAME}, "spec": spec})
    assert "Another deploy is running: ann@elsewhere" in refused(machine, capsys)
    machine.cluster.call(["delete", "lease", lock.NAME], "")


def test_an_image_that_does_not_build(machine: Machine, capsys: Capture) -> None:
    machine.fails["docker build --file=services/worker"] = CommandResult(1, "", "step 1\nno such package")
    assert deploy(machine) == 2
    assert machine.cluster.changed == []
    said = capsys.readouterr().err
    assert said.startswith("services/worker/Dockerfile does not build; the cluster did not change.")
    assert said.endswith("no such package\n")


def test_an_image_that_cannot_be_loaded(machine: Machine, capsys: Capture) -> None:
    machine.fails["true handoff-api"] = CommandResult(1, "", "no such cluster")
    assert "LOAD failed on handoff-api:aaaaaaaaaaaa" in refused(machine, capsys)


def test_objects_that_the_api_server_refuses(machine: Machine, capsys: Capture) -> None:
    machine.fails["kubectl diff"] = CommandResult(
        2, "", 'Error from server (Invalid): Deployment.apps "api" is invalid'
    )
    assert 'refuses the objects: Error from server (Invalid): Deployment.apps "api"' in refused(machine, capsys)


def test_every_problem_is_reported_at_once(machine: Machine, capsys: Capture) -> None:
    capsys.readouterr()
    assert typed(machine, "deploy", context="moon", load="", overlay="moon", registry="") == 2
    assert len(capsys.readouterr().err.splitlines()) == 4


def test_the_overlays_are_those_of_the_repository() -> None:
    assert {"dev", "production"} <= set(render.overlays())
