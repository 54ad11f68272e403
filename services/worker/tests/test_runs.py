"""The parent applies the turns that its pool processes report."""

import os
from typing import Any

import pytest

from handoff_ledger import Claim
from handoff_worker.celery_bridge.runs import Runs, Turn


class Request:
    """The part of Celery's request that `Runs` uses."""

    def __init__(self, id: str, *, begun: bool = True) -> None:
        self.id = id
        self.begun = begun
        self.applied: list[tuple[str, str]] = []

    def become(self, turn: Turn) -> str:
        ended, self.id = self.id, turn.next
        return ended

    def tell(self, turn: Turn, ended: str) -> None:
        self.applied.append((ended, turn.next))


@pytest.fixture
def runs() -> Runs:
    return Runs()


def begin(runs: Runs, request: Any) -> int:
    return runs.begin(request)


def turn(runs: Runs, run: int, next: str) -> None:
    runs.turn(run, Claim(next, 1, 1, 5, "", "", []), 0.5, 1_700_000_000.0)


def test_a_request_becomes_each_next_task_in_turn(runs: Runs) -> None:
    one, other = Request("a"), Request("x")
    first, second = begin(runs, one), begin(runs, other)
    turn(runs, first, "b")
    turn(runs, second, "y")
    turn(runs, first, "c")
    assert runs.held() == ["b", "y", "c"]
    runs.tell()
    assert (one.id, one.applied) == ("c", [("a", "b"), ("b", "c")])
    assert (other.id, other.applied) == ("y", [("x", "y")])
    assert runs.held() == []
    runs.tell()
    assert len(one.applied) == 2


def test_turns_of_an_unacknowledged_request_wait_in_order(runs: Runs) -> None:
    late, other = Request("a", begun=False), Request("x")
    run = begin(runs, late)
    turn(runs, run, "b")
    turn(runs, begin(runs, other), "y")
    runs.tell()
    turn(runs, run, "c")
    assert (late.id, other.id) == ("a", "y")
    assert runs.held() == ["b", "c"]
    late.begun = True
    runs.tell()
    assert late.applied == [("a", "b"), ("b", "c")]
    assert runs.held() == []


def test_the_running_task_is_known_before_its_turn_is_applied(runs: Runs) -> None:
    request = Request("a")
    turn(runs, begin(runs, request), "b")
    assert runs.running("a") is None
    assert runs.running("b") is request
    runs.tell()
    assert runs.running("b") is request


def test_the_lease_of_a_request_that_is_gone_is_not_held(runs: Runs) -> None:
    gone = Request("a", begun=False)
    turn(runs, begin(runs, gone), "b")
    assert runs.held() == ["b"]
    del gone
    assert runs.held() == []
    runs.tell()


def test_a_line_may_come_in_pieces(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request("a")
    run, read = begin(runs, request), os.read
    monkeypatch.setattr(os, "read", lambda fd, _: read(fd, 7))
    for number in range(50):
        turn(runs, run, f"task{number}")
    runs.tell()
    assert request.id == "task49"
    assert len(request.applied) == 50


def test_a_partial_line_is_kept_until_its_end_arrives(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request("a")
    run, read = begin(runs, request), os.read
    pieces = iter([7, 0, 65_536])
    turn(runs, run, "b")

    def some(fd: int, _: int) -> bytes:
        return read(fd, size) if (size := next(pieces)) else b""

    monkeypatch.setattr(os, "read", some)
    assert runs.held() == []
    monkeypatch.undo()
    assert runs.held() == ["b"]
