"""The checker finds each kind of violation."""

from pathlib import Path

import pytest

from tests.faults.checker import Findings, check
from tests.faults.client_log import ClientLog
from tests.faults.sink import Sink


class Case:
    """A client's log and a sink, written by the test."""

    def __init__(self, folder: Path) -> None:
        self.client_log = ClientLog(folder / "client.log")
        self.sink = Sink(folder / "sink")

    def accepted(self, key: str, items: int = 0) -> None:
        self.client_log.write(key, "invoked", items)
        self.client_log.write(key, "ok", items, "01")

    def ran(self, token: str, task: str = "01", *, pid: int = 1, at: float = 0.0, cut: bool = False) -> None:
        with self.sink.path.open("a") as file:
            for what in ("began",) if cut else ("began", "effect"):
                file.write(f"{what} {token} {task} {pid} {at}\n")

    def findings(self, *excused: str) -> Findings:
        return check(self.client_log.entries(), self.sink, excused=frozenset(excused))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_all_is_well(case: Case) -> None:
    case.accepted("one")
    case.accepted("two", items=2)
    for token in ("one", "two.0", "two.1"):
        case.ran(token)
    findings = case.findings()
    assert (findings.accepted, findings.executed, findings.repeated, findings.faults()) == (3, 3, 0, [])


def test_an_item_without_an_effect_is_lost(case: Case) -> None:
    case.accepted("one", items=2)
    case.ran("one.0")
    case.ran("one.1", cut=True)
    assert case.findings().lost == ["one.1"]
    assert case.findings().faults()
    assert not case.findings("one").lost


def test_an_effect_that_no_client_asked_for(case: Case) -> None:
    case.ran("stranger")
    assert case.findings().unexpected == ["stranger"]


def test_two_tasks_for_one_key_are_two_effects(case: Case) -> None:
    case.client_log.write("one", "invoked")
    case.client_log.write("one", "unknown")
    case.ran("one", "01")
    assert not case.findings().faults()
    case.ran("one", "02")
    assert case.findings().duplicates == ["one"]


def test_the_same_task_again_is_a_repeated_request(case: Case) -> None:
    case.accepted("one")
    case.ran("one", pid=1, cut=True)
    case.ran("one", pid=2)
    findings = case.findings()
    assert (findings.repeated, findings.duplicates) == (1, [])


def test_a_repeat_without_a_kill_is_unexplained(case: Case) -> None:
    case.ran("cut", pid=1, cut=True)
    case.ran("cut", pid=2)
    case.ran("odd", pid=3, cut=True)
    case.ran("odd", pid=4)
    assert case.sink.refresh().unexplained(frozenset({1})) == ["odd"]


def test_a_key_without_a_final_status_is_a_fault(case: Case) -> None:
    case.client_log.write("one", "invoked")
    assert case.findings().unanswered == ["one"]


def test_recovery_lasts_from_the_kill_to_the_next_begin(case: Case) -> None:
    case.ran("done", pid=1, at=1.0)
    case.ran("cut", pid=1, at=2.0, cut=True)
    case.ran("never", pid=1, at=2.0, cut=True)
    case.ran("cut", pid=2, at=9.5)
    assert sorted(case.sink.refresh().recoveries(3.0, {1})) == [6.5, float("inf")]


def test_an_incomplete_line_waits_for_its_end(case: Case) -> None:
    with case.sink.path.open("a") as file:
        file.write("began one 01 1 1.0\neffect one 0")
    assert len(case.sink.refresh().requests) == 1
    with case.sink.path.open("a") as file:
        file.write("1 1 2.0\n")
    assert case.sink.refresh().done == {"one"}
