"""What is killed, restarted or stopped in the middle of the work loses nothing of what was accepted."""

import time
from pathlib import Path

from process import wait_until
from tests.containers.clone import Clone
from tests.containers.engine import docker
from tests.containers.host import Host, KeyClient
from tests.containers.load import Load

ITEMS = 4000
PLACES = 100  # pushes that one process of a worker has in flight
ENDED_SECONDS = 120  # the leases of what was killed run out, and all is done
KILLED = 137


def begin(load: Load, clone: Clone, client: KeyClient, name: str) -> None:
    """Hands a batch in and waits until it is in the middle of its work."""
    batch = load.submit(client, f"{name}-big", ITEMS)

    def begun() -> bool:
        return sum(f" {name}-big" in line for line in clone.notifications()) > ITEMS / 10

    assert wait_until(begun, 30), "no worker sends anything"
    assert client.look(f"/v1/batches/{batch}")["finished_at"] is None


def nothing_is_lost(load: Load, client: KeyClient, *, repeated: int) -> None:
    left: list[str] = []

    def done() -> bool:
        left[:] = load.unfinished(client)
        return not left

    assert wait_until(done, ENDED_SECONDS), f"{len(left)} did not end, {left[:3]} among them"
    findings = load.findings()
    assert findings.faults() == []
    assert findings.accepted >= ITEMS
    assert findings.repeated <= repeated


def test_a_worker_is_killed(host: Host, client: KeyClient, tmp_path: Path) -> None:
    worker = host.clone.container("worker-bulk")
    with Load(host, "kill", tmp_path) as load:
        begin(load, host.clone, client, "kill")
        docker("kill", worker)
        assert host.clone.states()["worker-bulk"]["ExitCode"] == KILLED
        docker("start", worker)
    nothing_is_lost(load, client, repeated=2 * PLACES)


def test_redis_is_restarted(host: Host, client: KeyClient, tmp_path: Path) -> None:
    with Load(host, "redis", tmp_path) as load:
        begin(load, host.clone, client, "redis")
        assert host.clone.refused() == ""
        docker("restart", "--time=30", host.clone.container("redis"))
        seen = load.accepted
        assert wait_until(lambda: load.accepted > seen, 30), "the API accepts nothing any more"
    nothing_is_lost(load, client, repeated=2 * PLACES)


def test_everything_is_stopped(host: Host, client: KeyClient, tmp_path: Path) -> None:
    with Load(host, "stop", tmp_path) as load:
        begin(load, host.clone, client, "stop")
        assert host.clone.refused() == ""
        began = time.monotonic()
        docker("compose", f"--project-name={host.clone.project}", "stop", seconds=120)
        assert time.monotonic() - began < 60
        exits = {service: state["ExitCode"] for service, state in host.clone.states().items()}
        assert exits == dict.fromkeys(exits, 0)
        host.up()
    nothing_is_lost(load, client, repeated=0)
