"""Channels to providers: a pace for the whole fleet, holds, and the recipients that are gone."""

from itertools import pairwise

import pytest

from handoff_ledger import calls, keys
from process import wait_until
from tests.integration.ledger.lab import LIMITS, Lab


def taken(lab: Lab, rate: float, wanted: int, channel: str = "fcm:shop:1") -> int:
    return lab.run(calls.admit(channel, rate, wanted)).permits


def clock(lab: Lab) -> float:
    seconds, micros = lab.redis.time()
    return seconds + micros / 1e6


def test_a_channel_without_a_rate_lets_everything_through(lab: Lab) -> None:
    assert lab.run(calls.admit("log:default:", 0, 1_000)) == (1_000, 0, "")
    assert lab.redis.keys("handoff:pace:*") == []


def test_workers_together_keep_the_rate(lab: Lab) -> None:
    """As many as ask, each as often as it can: over a second the rate gets through, and no more than with its burst."""
    assert taken(lab, 1_000, 50) == 50
    began = before = clock(lab)
    got, idle = 0, 0.0
    while (now := clock(lab)) < began + 1:
        idle += max(0.0, now - before - 0.05)  # what nobody asks for while the machine stands still is lost
        got += taken(lab, 1_000, 70) + taken(lab, 1_000, 110)
        before = now
    idle += max(0.0, now - before - 0.05)
    assert got <= 1_000 * (now - began) + 100 + 1
    assert got >= 1_000 * (now - began - 2 * idle) - 100


def test_what_an_idle_channel_may_catch_up_is_bounded(lab: Lab) -> None:
    assert taken(lab, 1_000, 5_000) == 100


def test_a_slow_channel_says_when_there_is_a_permit(lab: Lab) -> None:
    assert taken(lab, 0.05, 10) == 1
    permits, wait_seconds, held = lab.run(calls.admit("fcm:shop:1", 0.05, 10))
    assert (permits, held) == (0, "")
    assert 10 < wait_seconds <= 20


@pytest.mark.parametrize(("rate", "seconds"), [(0.1, 10), (0.01, 100), (0.001, 1_000)])
def test_what_was_given_out_is_known_as_long_as_it_counts(lab: Lab, rate: float, seconds: float) -> None:
    began = clock(lab)
    assert taken(lab, rate, 1) == 1
    ends = lab.redis.pexpiretime(keys.pace("fcm:shop:1")) / 1_000
    assert 0.9 * seconds <= ends - began < seconds + 30


def test_channels_do_not_wait_for_each_other(lab: Lab) -> None:
    assert taken(lab, 0.05, 1) == 1
    assert taken(lab, 0.05, 1, "fcm:news:1") == 1


def test_a_held_channel_lets_nothing_through_until_it_is_over(lab: Lab) -> None:
    lab.run(calls.hold("fcm:shop:1", "throttled", 60))
    permits, wait_seconds, held = lab.run(calls.admit("fcm:shop:1", 0, 1))
    assert (permits, held) == (0, "throttled")
    assert 50 < wait_seconds <= 60
    assert taken(lab, 0, 1, "fcm:shop:2") == 1, "another credential of the same app is another channel"
    lab.redis.zadd(keys.holds(), {"throttled fcm:shop:1": int(clock(lab) * 1000) + 200})  # its last moments
    assert wait_until(lambda: taken(lab, 0, 1) == 1, 5)


def test_a_shorter_hold_does_not_end_a_longer_one(lab: Lab) -> None:
    lab.run(calls.hold("fcm:shop:1", "throttled", 60))
    lab.run(calls.hold("fcm:shop:1", "throttled", 1))
    assert lab.run(calls.admit("fcm:shop:1", 0, 1)).wait_seconds > 50


def test_holds_are_told_with_the_graver_reason_first(lab: Lab) -> None:
    lab.run(calls.hold("fcm:shop:1", "throttled", 60))
    lab.run(calls.hold("fcm:shop:1", "credential_rejected", 30))
    assert lab.run(calls.admit("fcm:shop:1", 0, 1)).held == "credential_rejected"
    assert {(hold.channel, hold.why) for hold in lab.run(calls.holds())} == {
        ("fcm:shop:1", "throttled"),
        ("fcm:shop:1", "credential_rejected"),
    }
    lab.redis.zadd(keys.holds(), {"throttled fcm:shop:1": 1, "credential_rejected fcm:shop:1": 1})
    assert lab.run(calls.holds()) == []


@pytest.mark.parametrize("channel", ["fcm:shop:1", "sns:a b:ff"])
def test_a_hold_names_its_channel(lab: Lab, channel: str) -> None:
    lab.run(calls.hold(channel, "throttled", 60))
    (hold,) = lab.run(calls.holds())
    assert (hold.channel, hold.why) == (channel, "throttled")
    assert 50 < hold.seconds <= 60


def test_gone_recipients_are_read_in_order_and_page_by_page(lab: Lab) -> None:
    lab.run(calls.note_gone([("fcm:shop", f"token-{number}", f"task-{number}") for number in range(5)], LIMITS))
    read, cursor = [], ""
    while (found := lab.run(calls.list_gone(2, cursor=cursor)))[0]:
        read += found[0]
        cursor = found[1]
    assert [(each.channel, each.recipient, each.task) for each in read] == [
        ("fcm:shop", f"token-{number}", f"task-{number}") for number in range(5)
    ]
    assert all(one.at <= other.at for one, other in pairwise(read))
    assert lab.run(calls.list_gone(2, cursor=cursor)) == ([], cursor)
    lab.run(calls.note_gone([("fcm:shop", "later", "task-5")], LIMITS))
    assert [each.recipient for each in lab.run(calls.list_gone(2, cursor=cursor))[0]] == ["later"]


def test_gone_recipients_since(lab: Lab) -> None:
    lab.run(calls.note_gone([("fcm:shop", "early", "1")], LIMITS))
    began = clock(lab)
    assert wait_until(lambda: clock(lab) > began + 0.005, 5)
    since = int(clock(lab) * 1000)
    lab.run(calls.note_gone([("fcm:shop", "late", "2")], LIMITS))
    page, _ = lab.run(calls.list_gone(10, since_ms=since))
    assert [each.recipient for each in page] == ["late"]
