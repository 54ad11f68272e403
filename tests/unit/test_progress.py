"""The demo's progress: a bar that moves on a terminal, a line each tenth elsewhere."""

import sys

import pytest

from progress import Progress


def test_elsewhere_a_line_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(4000)
    for done in range(0, 4001, 50):
        progress.show(done)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[0] == "    0 %      0 of 4,000"
    assert lines[-1] == "  100 %  4,000 of 4,000"


def test_on_a_terminal_one_line_that_moves(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    progress = Progress(4)
    for done in range(5):
        progress.show(done)
    frames = capsys.readouterr().out.removesuffix("\n").split("\r")
    assert "\n" not in "".join(frames)
    assert [frame.count("█") for frame in frames[1:]] == [0, 10, 20, 30, 40]
    assert frames[-1].endswith("4 of 4")
