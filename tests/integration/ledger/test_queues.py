"""The state of the queues, as scaling and operators see it."""

from handoff_ledger import calls, keys
from process import wait_until
from tests.integration.ledger.lab import ECHO, Lab


def test_depth_counts_what_waits(both: Lab) -> None:
    both.batch(3, 3)
    both.claimed()
    both.submit()
    depths = {queue.name: queue.depth for queue in both.run(calls.queues())}
    assert depths == {"high": 0, "default": 1, "bulk": 2, "documents": 0}


def test_a_queue_is_served_while_a_worker_says_so(both: Lab) -> None:
    both.run(calls.announce("w1", 60, [ECHO], ["default", "bulk"]))
    assert {queue.name for queue in both.run(calls.queues()) if queue.served} == {"default", "bulk"}
    both.run(calls.announce("w1", 0.1, [ECHO], ["default", "bulk"]))
    assert wait_until(lambda: not any(queue.served for queue in both.run(calls.queues())), 5)


def test_the_oldest_has_waited_since_its_acceptance(lab: Lab) -> None:
    id = lab.submit()
    lab.submit()
    created = int(str(lab.redis.hget(keys.task(id), "created")))
    lab.redis.hset(keys.task(id), "created", created - 90_000)
    ages = {queue.name: queue.oldest_seconds for queue in lab.run(calls.queues())}
    assert 90 <= ages.pop("default") < 100
    assert set(ages.values()) == {0}


def test_a_task_that_was_scheduled_has_waited_since_it_was_due(lab: Lab) -> None:
    id = lab.submit(delay_ms=60_000)
    due = int(str(lab.redis.hget(keys.task(id), "due")))
    lab.redis.hset(keys.task(id), mapping={"created": due - 10_060_000, "due": due - 60_000})
    lab.come_due(id)
    lab.sweep()
    (age,) = (queue.oldest_seconds for queue in lab.run(calls.queues()) if queue.name == "default")
    assert 0 <= age < 10


def test_what_is_due_or_without_a_lease_is_overdue_until_it_is_swept(lab: Lab) -> None:
    lab.come_due(lab.submit(delay_ms=60_000))
    lab.submit(delay_ms=60_000)
    lab.expire_leases(lab.claimed().id)
    lab.claimed()
    assert _overdue(lab) == {"default": 2}
    lab.sweep()
    assert _overdue(lab) == {}


def _overdue(lab: Lab) -> dict[str, int]:
    return {queue.name: queue.overdue for queue in lab.run(calls.queues()) if queue.overdue}
