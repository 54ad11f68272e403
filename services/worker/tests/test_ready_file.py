"""The file that a probe reads."""

import os
from pathlib import Path

from handoff_worker.execution.ready_file import ReadyFile


def test_it_is_there_from_ready_until_the_worker_stops(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    file = ReadyFile(path)
    assert not path.exists()
    file.touch()
    os.utime(path, (0, 0))
    file.touch()
    assert path.stat().st_mtime > 0
    file.remove()
    file.touch()  # a beat that was already due
    assert not path.exists()


def test_what_one_left_behind_that_was_killed_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    path.touch()
    file = ReadyFile(path)
    file.clear()
    assert not path.exists()
    file.touch()
    assert path.exists()


def test_without_a_path_there_is_no_file(tmp_path: Path) -> None:
    file = ReadyFile(None)
    file.clear()
    file.touch()
    file.remove()
    assert list(tmp_path.iterdir()) == []
