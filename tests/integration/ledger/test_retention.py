"""What has ended is kept for the retention and then leaves nothing behind."""

from collections.abc import Callable

import pytest

from handoff_ledger import Limits, State, UnknownTask, calls, keys
from handoff_ledger.calls.items import list_items
from process import wait_until
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, ONCE, PUSH, Lab

BRIEF = Limits(retention_ms=150)
# One key each, whatever the number of tasks.
STAYS = {keys.stats(), keys.sequence(), keys.leader(), keys.last_sweep(), keys.actions()}
DAY_MS = 24 * 60 * 60 * 1000


def finish(lab: Lab, limits: Limits) -> str:
    claim = lab.claimed()
    lab.run(calls.finish(claim, b"null", limits))
    return claim.id


def fail(lab: Lab, limits: Limits) -> str:
    claim = lab.claimed(expires_ms=60_000)
    lab.run(calls.fail(claim, FAULT, limits))
    return claim.id


def die(lab: Lab, limits: Limits) -> str:
    claim = lab.claimed(ONCE)
    lab.run(calls.retry(claim, 0, FAULT, limits))
    return claim.id


def lease_expires(lab: Lab, limits: Limits) -> str:
    claim = lab.claimed(ONCE)
    lab.expire_leases(claim.id)
    lab.sweep(limits=limits)
    return claim.id


def cancel(lab: Lab, limits: Limits) -> str:
    id = lab.submit(delay_ms=60_000, expires_ms=60_000)
    lab.run(calls.cancel(id, limits))
    return id


def expire(lab: Lab, limits: Limits) -> str:
    id = lab.submit(expires_ms=60_000)
    lab.redis.zadd(keys.expiring(), {id: 1})
    lab.sweep(limits=limits)
    return id


def expire_at_claim(lab: Lab, limits: Limits) -> str:
    id = lab.submit(expires_ms=60_000)
    lab.redis.hset(keys.task(id), "expires", "1")
    lab.run(calls.claim(id, "w1", ECHO, limits))
    return id


def retry_then_finish(lab: Lab, limits: Limits) -> str:
    claim = lab.claimed()
    lab.run(calls.retry(claim, 60, FAULT, limits))
    lab.come_due(claim.id)
    lab.sweep(limits=limits)
    lab.run(calls.finish(lab.claim(claim.id), b"null", limits))
    return claim.id


def pack(lab: Lab, limits: Limits) -> str:
    claim = lab.claim(f"{lab.batch(2)}.0", PUSH)
    lab.run(calls.record(claim, [(0, State.SUCCEEDED, b"null"), (1, State.SUCCEEDED, b"null")]))
    lab.run(calls.finish(claim, b"null", limits))
    return claim.id


def failed_pack(lab: Lab, limits: Limits) -> str:
    claim = lab.claim(f"{lab.batch(2)}.0", PUSH)
    lab.run(calls.record(claim, [(0, State.SUCCEEDED, b"null")]))
    lab.run(calls.fail(claim, FAULT, limits))
    return claim.id


ENDS = pytest.mark.parametrize(
    "end", [finish, fail, die, lease_expires, cancel, expire, expire_at_claim, retry_then_finish, pack, failed_pack]
)


def keys_of(lab: Lab, id: str) -> list[str]:
    """The keys that stand for a task and its batch."""
    return [str(key) for key in lab.redis.scan_iter(f"*{id[:26]}*")]


@ENDS
def test_every_key_of_an_ended_task_has_its_time(lab: Lab, end: Callable[[Lab, Limits], str]) -> None:
    id = end(lab, LIMITS)
    assert lab.read(id).state.ended
    lab.sweep()
    left = {key: lab.redis.pttl(key) for key in keys_of(lab, id)}
    assert keys.task(id) in left
    for key, ttl in left.items():
        longest = DAY_MS if key.startswith(keys.celery_result("")) else LIMITS.retention_ms
        assert longest - 10_000 < ttl <= longest, key


@ENDS
def test_nothing_of_it_is_left_after_that(lab: Lab, end: Callable[[Lab, Limits], str]) -> None:
    id = end(lab, BRIEF)
    lab.redis.delete("default", "bulk")  # messages leave with the workers that take them
    assert wait_until(lambda: "trimmed" in lab.sweep(limits=BRIEF), 5)
    assert wait_until(lambda: set(lab.redis.scan_iter("*")) <= STAYS, 5)
    with pytest.raises(UnknownTask):
        lab.read(id)


def test_what_is_open_is_kept_for_ever(lab: Lab) -> None:
    claim = lab.claim(f"{lab.batch(2, 1)}.0", PUSH)
    lab.record(claim, 0)
    waiting = lab.claimed()
    lab.run(calls.retry(waiting, 60, FAULT, BRIEF))
    lab.submit(delay_ms=60_000)
    lab.run(calls.park(lab.submit()))
    for key in lab.redis.scan_iter("*"):
        assert lab.redis.pttl(key) == -1, key


def test_a_celery_result_lives_no_longer_than_its_record(lab: Lab) -> None:
    finished = lab.claimed()
    lab.run(calls.finish(finished, b"null", BRIEF))
    assert 0 < lab.redis.pttl(keys.celery_result(finished.id)) <= BRIEF.retention_ms


def test_the_packs_of_a_batch_live_as_long_as_the_batch(lab: Lab) -> None:
    batch = lab.batch(1, 1)
    names = [f"handoff:{kind}:{batch}" for kind in ("batch", "common", "task", "payload")]
    names[2:] = [f"{name}.{number}" for name in names[2:] for number in range(2)]
    lab.run(calls.fail(lab.claim(f"{batch}.0", PUSH), FAULT, BRIEF))
    time_of_end = lab.redis.time()[0]
    assert wait_until(lambda: lab.redis.time()[0] > time_of_end, 5)  # longer than the retention
    lab.sweep(limits=BRIEF)
    assert lab.indexes(f"{batch}.0") == [keys.state("failed")]
    assert lab.counts(batch) == {"failed": 1, "queued": 1}
    items, _ = lab.run(list_items(batch, 10))
    assert [item.state for item in items] == [State.FAILED, State.QUEUED]
    assert [lab.redis.pttl(name) for name in names] == [-1] * 6
    assert lab.run(calls.cancel_batch(batch, LIMITS)) == (1, False)
    assert lab.counts(batch) == {"failed": 1, "cancelled": 1}
    left = {name: lab.redis.pttl(name) for name in names}
    assert all(0 < ttl <= LIMITS.retention_ms for ttl in left.values()), left


def test_packs_of_a_batch_that_is_opened_again_are_kept_again(lab: Lab) -> None:
    batch = lab.batch(1, 1)
    for number in range(2):
        lab.run(calls.fail(lab.claim(f"{batch}.{number}", PUSH), FAULT, LIMITS))
    lab.sweep()
    assert lab.redis.pttl(keys.task(f"{batch}.1")) > 0
    lab.run(calls.redrive(f"{batch}.0", LIMITS, "ops"))
    lab.sweep()
    kept = [str(key) for key in lab.redis.scan_iter(f"handoff:*{batch}*")]
    assert {key: lab.redis.pttl(key) for key in kept} == dict.fromkeys(kept, -1)


def test_a_pack_that_ends_after_its_batch_goes_with_it(lab: Lab) -> None:
    batch = lab.batch(1)
    claim = lab.claim(f"{batch}.0", PUSH)
    lab.run(calls.record(claim, [(0, State.SUCCEEDED, b"null")]))
    lab.sweep()
    lab.run(calls.finish(claim, b"null", LIMITS))
    left = {key: lab.redis.pttl(key) for key in keys_of(lab, batch)}
    assert all(ttl > 0 for ttl in left.values()), left


def test_a_pack_that_ends_when_its_batch_is_gone_does_not_bring_it_back(lab: Lab) -> None:
    batch = lab.batch(1)
    claim = lab.claim(f"{batch}.0", PUSH)
    lab.run(calls.record(claim, [(0, State.SUCCEEDED, b"null")]))
    lab.redis.delete(keys.batch(batch), keys.common(batch))
    lab.run(calls.finish(claim, b"null", BRIEF))
    assert wait_until(lambda: not keys_of(lab, batch), 5)
