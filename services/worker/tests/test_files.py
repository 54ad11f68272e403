"""A payload can open files of the blob folder, and nothing else."""

import os
from base64 import b64encode
from pathlib import Path

import pytest

from handoff_contracts.files import FileRef
from handoff_worker.errors import Fail
from handoff_worker.files import open_file, read_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A blob folder, with a secret file next to it."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret")
    blobs = tmp_path / "blobs"
    (blobs / "a" / "b").mkdir(parents=True)
    (blobs / "a" / "b" / "file").write_text("inside")
    return blobs


def refused(folder: Path | None, path: str, limit: int = 100) -> str:
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.glob("*")))
    with pytest.raises(Fail) as error:
        open_file(FileRef(path=path), folder, limit)
    assert len(list(open_files.glob("*"))) == before, "the call left a file open"
    return error.value.failure.code


def test_a_file_comes_from_the_folder_or_from_the_payload(folder: Path) -> None:
    assert read_file(FileRef(path="a/b/file"), folder, 6) == b"inside"
    assert read_file(FileRef(content=b64encode(b"\x00\xff").decode()), None, 2) == b"\x00\xff"
    with open_file(FileRef(path="a/b/file"), folder, 6) as opened:
        opened.seek(2)
        assert opened.read() == b"side"


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert read_file(FileRef(path="a/b/file"), tmp_path / "link", 6) == b"inside"


@pytest.mark.parametrize("to", ["../secret", "a/b/file"])
def test_a_link_to_a_file_is_refused_wherever_it_leads(folder: Path, to: str) -> None:
    (folder / "link").symlink_to(to)
    assert refused(folder, "link") == "no_such_file"


def test_a_link_to_a_folder_is_refused(folder: Path) -> None:
    (folder / "out").symlink_to("../outside")
    (folder / "a" / "out").symlink_to(folder.parent / "outside")
    assert refused(folder, "out/file") == "no_such_file"
    assert refused(folder, "a/out/file") == "no_such_file"


@pytest.mark.parametrize("path", ["none", "a", "a/b/file/more", "a/none/file", "x" * 300])
def test_a_path_without_a_regular_file_is_refused(folder: Path, path: str) -> None:
    assert refused(folder, path) == "no_such_file"


def test_a_pipe_is_refused_without_waiting_for_a_writer(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert refused(folder, "pipe") == "no_such_file"


def test_without_a_blob_folder_every_path_is_refused(tmp_path: Path) -> None:
    assert refused(None, "file") == "no_such_file"
    assert refused(tmp_path / "none", "file") == "no_such_file"


def test_an_unvalidated_path_cannot_leave_the_folder(folder: Path) -> None:
    for path in ("../secret", "a/../../secret", "/etc/passwd"):
        unchecked = FileRef.model_construct(path=path, content=None)
        with pytest.raises(Fail):
            open_file(unchecked, folder, 1_000_000)


def test_a_file_over_the_limit_is_refused(folder: Path) -> None:
    assert refused(folder, "a/b/file", 5) == "file_too_large"
    with pytest.raises(Fail, match="file_too_large"):
        read_file(FileRef(content="AAAA"), None, 2)
