"""A message that was popped and lost is published again, and no other."""

import json

from handoff_ledger import keys
from process import wait_until
from tests.integration.ledger.lab import Lab


def test_a_message_that_was_popped_and_lost_is_published_again(both: Lab) -> None:
    id = both.submit()
    assert both.pop() == id
    assert both.sweep(grace=150) == {}
    assert both.messages() == []
    assert wait_until(lambda: both.sweep(grace=150) == {"republished": 1}, 5)
    assert both.messages() == [id]
    both.claim(id)
    assert both.sweep() == {}


def test_so_is_one_that_others_wait_behind(lab: Lab) -> None:
    ids = [lab.submit() for _ in range(5)]
    assert [lab.pop(), lab.pop()] == ids[:2]
    lab.claim(ids[0])
    assert lab.sweep_twice() == {"republished": 1}
    assert lab.messages() == [*ids[2:], ids[1]]


def test_a_whole_list_that_was_lost_is_published_again_in_order(lab: Lab) -> None:
    ids = [lab.submit() for _ in range(7)]
    lab.redis.delete("default")
    for expected in (3, 3, 1):
        assert lab.sweep_twice(most=3) == {"republished": expected}
    assert lab.messages() == ids
    assert lab.sweep_twice() == {}


def test_one_that_waits_in_the_list_is_never_published_twice(lab: Lab) -> None:
    ids = [lab.submit() for _ in range(5)]
    assert lab.sweep_twice() == {}
    assert lab.messages() == ids


def test_one_that_is_claimed_within_the_grace_is_left_alone(lab: Lab) -> None:
    id = lab.submit()
    lab.pop()
    assert lab.sweep(grace=60_000) == {}
    lab.claim(id)
    assert lab.sweep_twice() == {}
    assert lab.messages() == []


def test_the_grace_starts_anew_when_it_is_popped_again(lab: Lab) -> None:
    id = lab.submit()
    lab.pop()
    assert lab.sweep_twice() == {"republished": 1}
    assert lab.pop() == id
    assert lab.sweep(grace=60_000) == {}
    assert lab.messages() == []


def test_what_a_stock_worker_puts_back_is_understood(lab: Lab) -> None:
    ids = [lab.submit() for _ in range(2)]
    lab.redis.rpush("default", json.dumps(json.loads(str(lab.redis.rpop("default")))))
    assert lab.sweep_twice() == {}
    assert lab.messages() == ids


def test_a_foreign_message_delays_nothing_but_the_republishing(lab: Lab) -> None:
    id = lab.submit()
    lab.pop()
    lab.redis.rpush("default", '{"body":"bm90IG91cnM="}')
    assert lab.sweep_twice() == {}
    lab.redis.rpop("default")
    assert lab.sweep_twice() == {"republished": 1}
    assert lab.messages() == [id]


def test_marks_of_missing_messages_do_not_pile_up(lab: Lab) -> None:
    for _ in range(5):
        lab.submit()
    lab.redis.delete("default")
    lab.sweep(grace=1)
    assert lab.redis.zcard(keys.missing()) == 5
    assert wait_until(lambda: lab.sweep(grace=1) == {} and not lab.redis.exists(keys.missing()), 5)
