"""`make bench` for real, as small as it can be: so it cannot rot."""

import json
from pathlib import Path

import pytest

from bench import backlog, drain
from bench.run import QUESTIONS, main


def test_a_backlog_is_measured_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(QUESTIONS, "backlog", lambda: backlog.measure(tasks=2_000, items=1_000, turns=1))
    monkeypatch.setattr("sys.argv", ["bench", "--only", "backlog", "--output", str(tmp_path / "new/bench.json")])
    assert main() == 0
    found = json.loads((tmp_path / "new/bench.json").read_text())
    assert found["results"].keys() == found["took_s"].keys() == {"backlog"}
    assert 200 < found["results"]["backlog"]["open task"]["bytes"] < 10_000
    assert 0 < found["results"]["backlog"]["open item of a chunk"]["bytes"] < 1_000
    assert found["results"]["backlog"]["POST"]["ratio"] > 0


def test_a_worker_drains_what_waits(tmp_path: Path) -> None:
    assert drain.by_handoff(tmp_path, tasks=5_000) > 0
