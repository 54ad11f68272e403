"""SIGTERM to a worker: its tasks end or are given back, and its processes end in time."""

import signal
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from handoff_ledger import State, calls
from process import wait_until
from stack import Worker
from tests.integration.worker.bench import LIMITS
from tests.integration.worker.floor import SOFT_SECONDS, Floor, logs, pool
from tests.integration.worker.lab.contracts import BLOCK, WAIT

BRIEF_SECONDS = 4  # the soft shutdown of most workers here


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    with Floor(tmp_path_factory.mktemp("floor")) as floor:
        yield floor


@pytest.fixture
def soft_s() -> int:
    return BRIEF_SECONDS


@pytest.fixture
def worker(floor: Floor, soft_s: int) -> Iterator[Worker]:
    floor.client.flushall()
    worker = floor.hire(f"worker{len(floor.workers)}", HANDOFF_SOFT_SHUTDOWN=str(soft_s))
    worker.wait_ready()
    yield worker
    worker.kill()


def test_an_idle_pool_process_ends_at_once(worker: Worker) -> None:
    def ends_at_once() -> bool:
        if not worker.running:
            worker.start()
            worker.wait_ready()
        processes = pool(worker)
        worker.signal(signal.SIGTERM)
        at_once = wait_until(lambda: not any(psutil.pid_exists(pid) for pid in processes), 0.9)
        assert worker.wait(20)
        assert worker.exit_code == 0, logs([worker])[-3000:]
        return at_once

    assert any(ends_at_once() for _ in range(5))  # billiard would sleep for a second; the machine may pause for a while


@pytest.mark.parametrize("soft_s", [SOFT_SECONDS])
def test_under_load_nothing_is_lost_or_repeated(floor: Floor, worker: Worker, soft_s: int) -> None:
    effects = floor.effects("load")
    items = [{"name": f"item{number}"} for number in range(60)]
    batch = floor.accept_batch(WAIT, {"effects": effects.path, "seconds": 0.8}, items)
    singles = [
        floor.accept(WAIT, {"effects": effects.path, "name": f"single{number}", "seconds": 0.3}, queue="bulk")
        for number in range(6)
    ]
    assert effects.wait_for("ended", 7)
    worker.signal(signal.SIGTERM)
    assert worker.wait(soft_s)
    assert worker.exit_code == 0, logs([worker])[-3000:]
    assert not worker.ready_file.exists()

    # A pack that had begun is queued again: its recorded items stay, and its attempt does not count.
    ended = len(effects.names("ended"))
    assert ended < 60
    assert sorted(effects.names("began")) == sorted(effects.names("ended"))
    assert floor.counts(batch) == {State.SUCCEEDED: ended, State.QUEUED: 60 - ended}
    assert [floor.task(f"{batch}.{pack}").attempt for pack in range(3)] == [0, 0, 0]
    assert {floor.task(id).state for id in singles} == {State.QUEUED}

    worker.start()
    for id in singles:
        assert floor.reaches(id, State.SUCCEEDED, 60)
    assert wait_until(lambda: floor.counts(batch) == {State.SUCCEEDED: 60}, 30)
    done = {item["name"] for item in items} | {f"single{number}" for number in range(6)}
    assert sorted(effects.names("ended")) == sorted(done)
    assert "Traceback" not in logs([worker])


def test_a_task_that_takes_too_long_is_released(floor: Floor, worker: Worker) -> None:
    effects = floor.effects("long")
    blocking = floor.accept(BLOCK, {"effects": effects.path, "name": "blocking", "seconds": 30})
    waiting = floor.accept(WAIT, {"effects": effects.path, "name": "waiting", "seconds": 30})
    assert effects.wait_for("began", 2)
    asked = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait(BRIEF_SECONDS + 15)
    assert time.monotonic() - asked > BRIEF_SECONDS
    gone = time.monotonic()

    def queued(id: str) -> bool:
        floor.ledger.run(calls.sweep("another worker", LIMITS))
        return floor.task(id).state is State.QUEUED

    assert wait_until(lambda: queued(blocking) and queued(waiting), 30), logs([worker])[-3000:]
    assert time.monotonic() - gone < WAIT.policy.lease + 5
    assert floor.task(waiting).attempt == 1


@pytest.fixture
def away(floor: Floor) -> Iterator[Callable[[], None]]:
    """Stops Redis until the end of the test."""
    yield floor.redis.kill
    floor.redis.start()
    floor.redis.wait_ready()


def test_an_idle_worker_stops_while_redis_is_away(worker: Worker, away: Callable[[], None]) -> None:
    away()
    worker.signal(signal.SIGTERM)
    assert worker.wait(BRIEF_SECONDS + 15), logs([worker])[-3000:]


def test_a_worker_stops_while_an_outcome_waits_for_redis(
    floor: Floor, worker: Worker, away: Callable[[], None]
) -> None:
    effects = floor.effects("insists")
    floor.accept(WAIT, {"effects": effects.path, "seconds": 0.5})
    assert effects.wait_for("began", 1)
    away()
    assert effects.wait_for("ended", 1)
    worker.signal(signal.SIGTERM)
    assert worker.wait(BRIEF_SECONDS + 15), logs([worker])[-3000:]
