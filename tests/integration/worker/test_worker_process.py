"""Real worker processes: invalid messages, endless handlers, and the death of each process."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from handoff_contracts import CATALOGUE
from handoff_ledger import State
from process import wait_until
from tests.integration.worker.floor import Crew, Floor, logs, pool
from tests.integration.worker.garbage import GARBAGE, PLANTED
from tests.integration.worker.lab.contracts import BLOCK, DIE, SPIN, WAIT

ECHO = CATALOGUE["system.echo"]


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    with Floor(tmp_path_factory.mktemp("floor")) as floor:
        effects = floor.effects("long")
        # Each task runs five leases long, and one of them blocks its process.
        long = [
            floor.accept(BLOCK, {"effects": effects.path, "name": "blocking", "seconds": 30}),
            floor.accept(WAIT, {"effects": effects.path, "name": "waiting", "seconds": 30}, queue="documents"),
        ]
        steady = floor.hire("steady", queues="documents")
        workers = [floor.hire(name, queues="high,default,bulk") for name in ("one", "two")]
        for worker in floor.workers:
            worker.wait_ready()
        yield Crew(floor, workers, steady, long)


@pytest.fixture
def floor(crew: Crew) -> Floor:
    """The floor, with every worker running."""
    for worker in crew.workers:
        if not worker.running:
            worker.start()
            worker.wait_ready()
    assert wait_until(lambda: all(len(pool(worker)) == 2 for worker in crew.workers), 10)
    return crew.floor


@pytest.mark.parametrize("entry", GARBAGE.values(), ids=GARBAGE.keys())
def test_an_invalid_message_is_dropped(floor: Floor, crew: Crew, entry: str | bytes) -> None:
    before = [(worker.pid, pool(worker)) for worker in crew.workers]
    lost = logs(crew.workers).count("Connection to broker lost")
    floor.client.lpush("default", *[entry] * 8)  # more than the pool takes at once
    for _ in range(4):
        id = floor.accept(ECHO, {"message": "after"})
        assert floor.reaches(id, State.SUCCEEDED, 20), logs(crew.workers)[-2000:]
    assert logs(crew.workers).count("Connection to broker lost") == lost
    assert [(worker.pid, pool(worker)) for worker in crew.workers] == before
    assert all(worker.running for worker in crew.workers)


def test_no_content_of_an_invalid_message_is_logged(floor: Floor, crew: Crew) -> None:
    for entry in GARBAGE.values():
        floor.client.lpush("default", entry)
    assert wait_until(lambda: floor.client.llen("default") == 0, 20)
    id = floor.accept(ECHO, {"message": "after"})
    assert floor.reaches(id, State.SUCCEEDED, 20)
    log = logs(crew.workers)
    assert log.count("The worker dropped an unreadable message.") > 10
    assert PLANTED not in log


def test_an_unknown_contract_is_parked(floor: Floor, crew: Crew) -> None:
    strange = floor.accept(replace(ECHO, name="lab.unheard_of"), {"message": "kept"})
    newer = floor.accept(replace(ECHO, version=2), {"message": "kept"})
    assert floor.reaches(strange, State.PARKED, 20)
    assert floor.reaches(newer, State.PARKED, 20)
    assert floor.client.get(f"handoff:payload:{strange}") == '{"message": "kept"}'
    assert wait_until(lambda: "The worker parked a task." in logs(crew.workers), 5)


def test_an_endless_sync_handler_is_interrupted_at_its_time_limit(floor: Floor, crew: Crew) -> None:
    before = [pool(worker) for worker in crew.workers]
    effects = floor.effects("spin")
    id = floor.accept(SPIN, {"effects": effects.path})
    assert floor.reaches(id, State.DEAD, 20)
    error = floor.task(id).error
    assert error
    assert error.code == "time_limit"
    assert len(effects.names("began")) == 1
    assert [pool(worker) for worker in crew.workers] == before


def test_the_task_of_a_killed_pool_process_runs_again_at_once(floor: Floor) -> None:
    effects = floor.effects("killed")
    id = floor.accept(WAIT, {"effects": effects.path, "seconds": 3})
    for death in (1, 2):
        assert effects.wait_for("began", death)
        os.kill(effects.lines("began")[-1][1], signal.SIGKILL)
        killed = time.monotonic()
        assert effects.wait_for("began", death + 1)
        assert time.monotonic() - killed < 5  # sooner than its lease expires
    assert floor.reaches(id, State.SUCCEEDED, 20)
    assert floor.task(id).attempt == 3
    assert len(effects.lines("ended")) == 1


def test_a_task_that_kills_its_process_dies_alone(floor: Floor, crew: Crew) -> None:
    effects = floor.effects("poison")
    id = floor.accept(DIE, {"effects": effects.path})
    beside = floor.accept(ECHO, {"message": "beside"})
    assert floor.reaches(beside, State.SUCCEEDED, 20)
    assert floor.reaches(id, State.DEAD, 20)
    error = floor.task(id).error
    assert error
    assert error.code == "worker_lost"
    assert len(effects.names("began")) == DIE.policy.max_attempts
    assert all(worker.running for worker in crew.workers)


def test_a_killed_pack_repeats_at_most_its_items_in_flight(floor: Floor) -> None:
    effects = floor.effects("cut")
    items = [{"name": f"item{number}"} for number in range(20)]
    batch = floor.accept_batch(WAIT, {"effects": effects.path, "seconds": 0.2}, items)
    assert effects.wait_for("ended", 7)
    os.kill(effects.lines("ended")[0][1], signal.SIGKILL)
    assert wait_until(lambda: floor.batch(batch).state == "ended", 30)
    assert floor.counts(batch) == {State.SUCCEEDED: 20}
    began = effects.names("began")
    assert set(began) == {item["name"] for item in items}
    assert len(began) <= 20 + WAIT.policy.concurrency


def test_the_tasks_of_a_killed_worker_run_again_on_another(floor: Floor, crew: Crew) -> None:
    effects = floor.effects("worker")
    ids = [floor.accept(WAIT, {"effects": effects.path, "name": f"job{number}", "seconds": 4}) for number in range(4)]
    assert effects.wait_for("began", 4)
    victim, survivor = crew.workers
    lost = {name for name, pid in effects.lines("began") if pid in pool(victim)}
    assert len(lost) == 2
    victim.kill()
    assert effects.wait_for("began", 6)
    for id in ids:
        assert floor.reaches(id, State.SUCCEEDED, 20)
    again = effects.lines("began")[4:]
    assert {name for name, _ in again} == lost
    assert {pid for _, pid in again} <= pool(survivor)
    assert sorted(effects.names("ended")) == [f"job{number}" for number in range(4)]


def test_a_dropped_connection_repeats_nothing(floor: Floor, crew: Crew) -> None:
    effects = floor.effects("dropped")
    id = floor.accept(WAIT, {"effects": effects.path, "seconds": 4})
    assert effects.wait_for("began", 1)
    floor.client.client_kill_filter(_type="normal", skipme=True)
    beside = floor.accept(ECHO, {"message": "beside"})
    assert floor.reaches(beside, State.SUCCEEDED, 20)
    assert floor.reaches(id, State.SUCCEEDED, 20)
    assert len(effects.lines("began")) == 1
    assert all(worker.running for worker in [*crew.workers, crew.steady])


def test_workers_survive_the_death_of_redis(floor: Floor, crew: Crew) -> None:
    effects = floor.effects("outage")
    ids = [floor.accept(WAIT, {"effects": effects.path, "name": f"job{number}", "seconds": 3}) for number in range(3)]
    assert effects.wait_for("began", 3)
    floor.redis.kill()
    assert wait_until(lambda: all("Redis is away" in worker.log.read_text() for worker in crew.workers), 20)
    floor.redis.start()
    floor.redis.wait_ready()
    back = time.monotonic()
    beside = floor.accept(ECHO, {"message": "beside"})
    assert floor.reaches(beside, State.SUCCEEDED, 30)
    for id in ids:
        assert floor.reaches(id, State.SUCCEEDED, 30)
        assert floor.task(id).attempt == 1
    assert time.monotonic() - back < 30
    assert sorted(effects.names("began")) == ["job0", "job1", "job2"]
    assert all(worker.running for worker in [*crew.workers, crew.steady])


def test_a_task_five_times_longer_than_its_lease_runs_once(crew: Crew) -> None:
    floor = crew.floor
    for id in crew.long:
        assert floor.reaches(id, State.SUCCEEDED, 60)
        assert floor.task(id).attempt == 1
    effects = floor.effects("long")
    assert sorted(effects.names("began")) == sorted(effects.names("ended")) == ["blocking", "waiting"]


def test_the_ready_file_is_touched_while_the_event_loop_runs(crew: Crew) -> None:
    """A reconnection does not stop the timer."""
    seen = time.time()
    assert wait_until(lambda: Path(crew.steady.ready_file).stat().st_mtime > seen, 30)
