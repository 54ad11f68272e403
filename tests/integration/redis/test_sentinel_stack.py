"""API, worker and Flower with a Redis that sentinels watch: when the master goes, all follow the new one."""

import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from process import wait_until
from stack import Stack
from tests.integration.redis.cluster import MASTER, PASSWORD, Cluster
from tests.integration.redis.desk import Desk

FOLLOWED_SECONDS = 60.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), sentinels=3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def stack(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = f"master_name={MASTER}&sentinel_password={quote(PASSWORD, safe='')}"
    url = f"sentinel://{cluster.addresses}/2?{options}"
    with Stack(tmp_path_factory.mktemp("stack"), broker_url=url, flower=True) as stack:
        yield stack


@pytest.fixture
def desk(stack: Stack) -> Iterator[Desk]:
    with closing(Desk(stack)) as desk:
        yield desk


def accepted_again(desk: Desk) -> str:
    """The id of the first task that is accepted; until then the API says that Redis is away, and nothing else."""
    deadline = time.monotonic() + FOLLOWED_SECONDS
    while (answer := desk.try_to_submit()).status_code != 202:
        assert answer.status_code == 503, answer.text
        assert time.monotonic() < deadline
    return str(answer.json()["id"])


def test_the_master_is_killed(cluster: Cluster, stack: Stack, desk: Desk) -> None:
    pids = [process.pid for process in stack.processes]
    done, later = desk.submit(), [desk.submit(delay=5) for _ in range(3)]
    assert desk.succeeded(done)
    assert wait_until(cluster.settled, 60)
    before = cluster.master()
    before.kill()
    first = accepted_again(desk)
    assert desk.succeeded(first)
    assert wait_until(lambda: cluster.master() is not before, 20)
    assert desk.succeeded(done)
    assert all(desk.succeeded(id) for id in later)
    assert wait_until(lambda: desk.shown(desk.submit(), 5), 60)  # what happens until Flower is back is not shown
    assert desk.flower(f"/api/task/result/{first}").json()["state"] == "SUCCESS"
    nothing = {"high": 0, "default": 0, "bulk": 0, "documents": 0}
    assert wait_until(lambda: desk.depths() == nothing, 20)
    assert [process.pid for process in stack.processes if process.running] == pids
    before.start()
    assert wait_until(cluster.settled, 60)


def test_the_master_becomes_a_replica(cluster: Cluster, stack: Stack, desk: Desk) -> None:
    pids = [process.pid for process in stack.processes]
    before = cluster.master()
    later = [desk.submit(delay=3) for _ in range(3)]
    assert wait_until(cluster.fail_over, 60)
    assert wait_until(lambda: cluster.master() is not before, 20)
    first = accepted_again(desk)
    assert desk.succeeded(first)
    assert all(desk.succeeded(id) for id in later)
    assert wait_until(lambda: desk.shown(desk.submit(), 5), 60)  # what happens until Flower is back is not shown
    assert [process.pid for process in stack.processes if process.running] == pids


def test_the_password_of_the_sentinels_is_not_shown(desk: Desk, stack: Stack) -> None:
    workers = desk.workers()
    logs = "".join(process.log.read_text() for process in stack.processes)
    for text in (workers, desk.flower("/broker").text, logs):
        assert PASSWORD not in text
        assert quote(PASSWORD, safe="") not in text
