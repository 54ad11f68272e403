"""The file that the probes read."""

import os
from pathlib import Path

from handoff_worker.execution.ready_file import ReadyFile


def test_the_file_exists_from_ready_until_the_worker_stops(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    file = ReadyFile(path)
    assert not path.exists()
    file.touch()
    os.utime(path, (0, 0))
    file.touch()
    assert path.stat().st_mtime > 0
    file.remove()
    file.touch()  # by a timer that was already due
    assert not path.exists()


def test_the_file_of_a_killed_worker_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    path.touch()
    file = ReadyFile(path)
    file.clear()
    assert not path.exists()
    file.touch()
    assert path.exists()


def test_without_a_path_no_file_is_written(tmp_path: Path) -> None:
    file = ReadyFile(None)
    file.clear()
    file.touch()
    file.remove()
    assert list(tmp_path.iterdir()) == []
