"""A script writes all of its step or nothing: whichever right its user lacks, whatever lies in a queue's place."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from handoff_ledger import Call, LedgerError, State, Submission, SyncLedger, calls, keys
from handoff_ledger.acl import RULES, SCRIPTS
from handoff_ledger.calls import RedriveFilter
from handoff_ledger.calls.items import list_items
from process import free_port, wait_until
from stack import Redis as Server
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, ONCE, PUSH, Lab

Scene = Callable[[Lab], Call[Any]]
USER, PASSWORD = "limited", "p"
READ_ONLY = RULES["worker"].replace("~handoff:*", "%R~handoff:*")
RIGHTS = {
    **{f"no {command}": f"{RULES['worker']} -{command}" for command in SCRIPTS.split() if command != "time"},
    "no channels": f"{RULES['worker']} resetchannels",
    "no keys of the ledger": RULES["worker"].replace("~handoff:*", ""),
    "read-only keys of the ledger": READ_ONLY,
    "only some keys of the ledger": RULES["worker"].replace("~handoff:*", "~handoff:task:* ~handoff:payload:*"),
    "no queue": RULES["worker"].replace("~default*", "").replace("~bulk*", ""),
    "no results": RULES["worker"].replace("~celery-task-meta-*", ""),
}


def accept(lab: Lab) -> Call[Any]:
    work = [Submission(contract=ECHO, payload=b"{}", canonical=b"{}", queue="default", key="k") for _ in range(2)]
    delayed = Submission(contract=ECHO, payload=b"{}", queue="default", delay_ms=60_000, expires_ms=60_000)
    return calls.accept([*work, delayed], LIMITS)


def accept_batch(lab: Lab) -> Call[Any]:
    submission = Submission(contract=PUSH, payload=b"{}", canonical=b"{}", queue="bulk", key="b")
    lab.run(calls.stage_packs(submission, [(b"[{}]", 1)], 1, 1))
    return calls.accept_batch(submission, [(b"[{}]", 1)], LIMITS, [(b"[{}]", 1)])


def stage(lab: Lab) -> Call[Any]:
    return calls.stage_packs(Submission(contract=PUSH, payload=b"{}", queue="bulk"), [(b"[{}]", 1)] * 2, 0, 0)


def finish_and_claim(lab: Lab) -> Call[Any]:
    claim = lab.claimed()
    lab.submit()
    return calls.finish_and_claim(claim, b"{}", LIMITS, ["default"])


def finish_pack(lab: Lab) -> Call[Any]:
    claim = lab.claim(f"{lab.batch(2)}.0", PUSH)
    lab.record(claim, 0)
    return calls.finish(claim, b"{}", LIMITS)


def record(lab: Lab) -> Call[Any]:
    claim = lab.claim(f"{lab.batch(2)}.0", PUSH)
    return calls.record(claim, [(0, State.SUCCEEDED, b"{}"), (1, State.FAILED, b"{}")])


def cancel_batch(lab: Lab) -> Call[Any]:
    batch = lab.batch(1, 1, 1)
    lab.claim(f"{batch}.0", PUSH)
    return calls.cancel_batch(batch, LIMITS, "ops", most=2)


def redrive_pack(lab: Lab) -> Call[Any]:
    claim = lab.claim(f"{lab.batch(2)}.0", PUSH)
    lab.record(claim, 0, state=State.DEAD)
    lab.run(calls.fail(claim, FAULT, LIMITS, State.DEAD))
    return calls.redrive(claim.id, LIMITS, "ops")


def redrive_all(lab: Lab) -> Call[Any]:
    for _ in range(2):
        lab.ended(State.DEAD)
    return calls.redrive_all(RedriveFilter(), LIMITS, "ops")


def sweep(lab: Lab) -> Call[Any]:
    """Every step of the reconciler has something to do."""
    lab.come_due(lab.submit(delay_ms=60_000))
    lab.expire_leases(lab.claimed().id, lab.claimed(ONCE).id)
    lab.redis.zadd(keys.expiring(), {lab.submit(expires_ms=60_000): 1})
    lab.run(calls.park(lab.submit()))
    lab.run(calls.announce("w1", 60, [ECHO], ["default"]))
    lab.run(calls.cancel_batch(lab.batch(1, 1, 1), LIMITS, most=1))
    lab.run(stage(lab))
    lab.redis.zadd(keys.staging(), {str(id): 1 for id in lab.redis.zrange(keys.staging(), 0, -1)})
    lab.redis.zadd(keys.state("succeeded"), {lab.ended(State.SUCCEEDED): 1})
    return calls.sweep("r1", LIMITS)


SCENES: dict[str, Scene] = {
    "accept": accept,
    "accept_batch": accept_batch,
    "stage_packs": stage,
    "claim": lambda lab: calls.claim(lab.submit(), "w1", ECHO, LIMITS),
    "claim of another version": lambda lab: calls.claim(lab.submit(), "w1", PUSH, LIMITS),
    "claim of a pack": lambda lab: calls.claim(f"{lab.batch(2)}.0", "w1", PUSH, LIMITS),
    "park": lambda lab: calls.park(lab.submit()),
    "finish": lambda lab: calls.finish(lab.claimed(), b"{}", LIMITS),
    "finish and claim": finish_and_claim,
    "finish of a pack": finish_pack,
    "fail": lambda lab: calls.fail(lab.claimed(), FAULT, LIMITS),
    "retry": lambda lab: calls.retry(lab.claimed(), 60, FAULT, LIMITS),
    "dead": lambda lab: calls.retry(lab.claimed(ONCE), 60, FAULT, LIMITS),
    "give_back": lambda lab: calls.give_back(lab.claimed()),
    "give_back later": lambda lab: calls.give_back(lab.claimed(), 60),
    "release": lambda lab: calls.release(lab.claimed().id, "w1", LIMITS),
    "renew": lambda lab: calls.renew("w1", [lab.claimed().id, lab.claimed().id]),
    "record": record,
    "cancel": lambda lab: calls.cancel(lab.submit(), LIMITS, "ops"),
    "cancel what runs": lambda lab: calls.cancel(lab.claimed().id, LIMITS, "ops"),
    "cancel_batch": cancel_batch,
    "redrive": lambda lab: calls.redrive(lab.ended(State.FAILED), LIMITS, "ops"),
    "redrive of a pack": redrive_pack,
    "redrive_all": redrive_all,
    "sweep": sweep,
    "announce": lambda lab: calls.announce("w1", 10, [ECHO, PUSH], ["default", "bulk"]),
    "hold": lambda lab: calls.hold("fcm:shop", "throttled", 10),
    "admit": lambda lab: calls.admit("fcm:shop", 10, 1),
    "note_gone": lambda lab: calls.note_gone([("fcm:shop", "t1", "1"), ("fcm:shop", "t2", "1")], LIMITS),
    "read": lambda lab: calls.read(lab.submit()),
    "list_items": lambda lab: list_items(lab.batch(2), 10),
    "list_tasks": lambda lab: calls.list_tasks(10) if lab.submit() else calls.list_tasks(1),
    "queues": lambda lab: calls.queues(),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("rights"), port=free_port(), appendonly=False)
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_script_writes_all_or_nothing(server: Server, scene: Scene) -> None:
    redis = Redis(port=server.port, decode_responses=True)
    full = SyncLedger(f"redis://127.0.0.1:{server.port}/0")
    refused = []
    for name, rules in RIGHTS.items():
        redis.flushall()
        lab = Lab(redis, full)
        call = scene(lab)
        before = lab.dump()
        redis.execute_command(  # type: ignore[no-untyped-call]  # redis-py gives it no types
            "ACL", "SETUSER", USER, "reset", "on", f">{PASSWORD}", *rules.split()
        )
        limited = SyncLedger(f"redis://{USER}:{PASSWORD}@127.0.0.1:{server.port}/0")
        try:
            with suppress(LedgerError):
                limited.run(call)
                continue
            refused.append(name)
        except ResponseError:
            refused.append(name)
        finally:
            limited.close()
        assert lab.dump() == before, f"{name}: half of the step is written"
    assert refused, "no right is missed, so nothing was tried"
    assert "no channels" not in refused
    full.close()
    redis.close()


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_value_that_is_no_list_stops_no_step_half_way(lab: Lab, scene: Scene) -> None:
    call = scene(lab)
    lab.redis.delete("default", "bulk")
    lab.redis.mset({"default": "another program's", "bulk": "another program's"})
    before = lab.dump()
    try:
        lab.run(call)
    except (LedgerError, ResponseError):
        assert lab.dump() == before


def test_the_reconciler_retries_a_task_that_it_cannot_queue_and_moves_the_others(lab: Lab) -> None:
    stuck, due = lab.submit(delay_ms=60_000), lab.submit(PUSH, delay_ms=60_000)
    lab.redis.set("default", "another program's")
    lab.come_due(stuck, due)
    assert lab.sweep() == {"due": 1, "broken": 1}
    assert lab.read(due).state is State.QUEUED
    assert lab.read(stuck).state is State.SCHEDULED
    lab.redis.delete("default")
    assert wait_until(lambda: lab.sweep() == {"due": 1}, 10)
    assert lab.read(stuck).state is State.QUEUED
