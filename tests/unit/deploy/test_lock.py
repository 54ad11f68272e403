"""One deploy at a time, and none for ever."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy import lock
from deploy.errors import Failed, Refused
from deploy.kubectl import Kubectl
from deploy.lock import Lock, holder_sentence
from deploy.shell import CommandResult
from process import wait_until
from tests.unit.deploy.fake_cluster import Cluster
from tests.unit.deploy.fake_machine import Machine
from tests.unit.deploy.manifests import overlay


@pytest.fixture
def kubectl() -> Kubectl:
    return Kubectl("lab", "handoff", runner=Machine(overlay))


def lease(age: float) -> dict[str, Any]:
    """Another deploy's, renewed that many seconds ago."""
    renewed = (datetime.now(UTC) - timedelta(seconds=age)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    spec = {"holderIdentity": "ann@elsewhere", "leaseDurationSeconds": lock.LEASE_SECONDS, "renewTime": renewed}
    kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": lock.NAME}}
    return {**kind, "spec": spec}


def test_it_is_held_inside_and_free_after(kubectl: Kubectl) -> None:
    with Lock(kubectl) as held:
        held.check()
        assert "Another deploy is running" in holder_sentence(kubectl)
    assert holder_sentence(kubectl) == ""
    assert kubectl.get("lease", lock.NAME) is None


def test_two_deploys_cannot_hold_it(kubectl: Kubectl) -> None:
    with Lock(kubectl), pytest.raises(Refused, match="Another deploy is running"):
        Lock(kubectl).__enter__()


def test_it_is_released_after_a_failure(kubectl: Kubectl) -> None:
    with pytest.raises(Failed), Lock(kubectl):
        raise Failed("no")
    assert holder_sentence(kubectl) == ""


def test_the_lock_of_a_deploy_that_died_is_taken_over(kubectl: Kubectl) -> None:
    kubectl.create(lease(age=lock.LEASE_SECONDS + 1))
    with Lock(kubectl):
        assert "ann@elsewhere" not in holder_sentence(kubectl)


def test_the_lock_of_a_deploy_that_lives_is_not(kubectl: Kubectl) -> None:
    kubectl.create(lease(age=lock.LEASE_SECONDS - 10))
    with pytest.raises(Refused, match="ann@elsewhere"):
        Lock(kubectl).__enter__()


@pytest.mark.parametrize("present", [False, True])
@pytest.mark.parametrize("reads", [1, 2])
def test_who_is_faster_has_it(monkeypatch: pytest.MonkeyPatch, present: bool, reads: int) -> None:
    """Another deploy takes it after our look, or just before our write, which the API server then refuses."""
    machine = Machine(overlay)
    kubectl = Kubectl("lab", "handoff", runner=machine)
    if present:
        kubectl.create(lease(age=lock.LEASE_SECONDS + 1))
    calls = 0

    def late(words: Sequence[str], input: str) -> CommandResult:
        nonlocal calls
        calls += 1
        ran = Cluster.call(machine.cluster, words, input) if reads == 1 else None
        if calls == reads:
            machine.cluster.put(lease(age=0))
        return ran or Cluster.call(machine.cluster, words, input)

    monkeypatch.setattr(machine.cluster, "call", late)
    with pytest.raises(Refused, match="ann@elsewhere"):
        Lock(kubectl).__enter__()


def test_it_is_renewed(kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.01)
    with Lock(kubectl):
        first = (kubectl.get("lease", lock.NAME) or {})["spec"]["renewTime"]
        assert wait_until(lambda: (kubectl.get("lease", lock.NAME) or {})["spec"]["renewTime"] > first, 5)


def test_a_lost_lock_stops_what_is_applied(kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.01)

    def lost() -> bool:
        try:
            held.check()
        except Failed:
            return True
        return False

    with Lock(kubectl) as held:
        kubectl.delete([lease(0)])
        kubectl.create(lease(0))
        assert wait_until(lost, 5)
    assert "ann@elsewhere" in holder_sentence(kubectl)  # whose lock is left alone
