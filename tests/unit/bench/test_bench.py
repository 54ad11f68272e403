"""The parts of `make bench` that measure nothing: tables, targets, what wrk and the peers' scripts say, the command."""

import re

import pytest

from bench.figures import as_text, figures_table, table
from bench.peer import PEERS
from bench.pushes import read as read_push
from bench.run import QUESTIONS, main
from bench.targets import TARGETS, targets_table
from bench.wrk import read
from stack import ROOT

SAID = """Running 4s test @ http://127.0.0.1:8000/push
  Latency     2.92ms
Requests/sec:   9000.00

"""


def test_a_table_is_aligned_markdown() -> None:
    assert table(["drain", "tasks/s"], [["Handoff", "4,000"], ["rq", "212"]]).splitlines() == [
        "| drain   | tasks/s |",
        "| ------- | ------: |",
        "| Handoff |   4,000 |",
        "| rq      |     212 |",
    ]


def test_a_measure_that_a_subject_lacks_is_blank() -> None:
    rows = figures_table("accept", {"bare": {"a": 1}, "Handoff": {"a": 2, "b": 0.123456}}).splitlines()
    assert rows[2:] == ["| bare    | 1 |       |", "| Handoff | 2 | 0.123 |"]


@pytest.mark.parametrize(("value", "text"), [(10_393.4, "10,393"), (0.4501, "0.45"), (99.96, "100"), (None, "")])
def test_no_more_digits_than_are_known(value: float | None, text: str) -> None:
    assert as_text(value) == text


def test_targets_of_what_was_asked_alone_and_honestly() -> None:
    shown = targets_table({"drain": {"Handoff": {"of Celery": 1.5}}})
    rows_shown = [line.split(" | ")[1:] for line in shown.splitlines()[2:]]
    assert [[cell.strip(" |") for cell in row] for row in rows_shown] == [["1.5", "≥ 1", "yes"], ["1.5", "≥ 2", "no"]]


def test_a_figure_that_is_missing_meets_no_target() -> None:
    shown = targets_table({"recovery": {}, "push": {"Handoff": {}}})
    assert "yes" not in shown
    assert shown.count(" no |") == sum(target.question == "push" for target in TARGETS)


def test_every_target_belongs_to_a_question() -> None:
    assert {target.question for target in TARGETS} <= QUESTIONS.keys()


def test_wrk_is_read_from_its_last_line() -> None:
    load = read(SAID + '{"rate": 9000.5, "p50": 2.9, "p99": 5.9, "refused": 0, "failed": 0}\n')
    assert load == (9000.5, 2.9, 5.9)


@pytest.mark.parametrize("what", ["refused", "failed"])
def test_a_rate_of_refusals_is_none(what: str) -> None:
    said = {"rate": 9000.5, "p50": 2.9, "p99": 5.9, "refused": 0, "failed": 0} | {what: 3}
    with pytest.raises(SystemExit, match=f"3.*{what}"):
        read(SAID + str(said).replace("'", '"'))


def test_a_push_is_read_from_its_last_line() -> None:
    found = read_push('warming\n{"firebase": 100, "handoff": 2100, "ratio": 21, "end_to_end_s": 2.5, "client": 9000}\n')
    assert found["Handoff"] == {"sends/s": 2100, "of firebase-admin": 21, "end to end s": 2.5}


def test_an_unknown_question_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--only", "accept spede"])
    with pytest.raises(SystemExit):
        main()
    assert "spede: the questions are accept, drain" in capsys.readouterr().err


def test_every_peer_has_a_module_a_lock_and_an_environment() -> None:
    made = re.search(r"^PEERS := .*,(.+)\)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert made
    assert {peer.module for peer in PEERS} == set(made[1].split())
    for peer in PEERS:
        assert (ROOT / "bench/peers" / f"{peer.module}.py").exists()
        assert (ROOT / "requirements" / f"bench-{peer.module}.txt").exists()
