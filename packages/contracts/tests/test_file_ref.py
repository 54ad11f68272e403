"""A file reference has a path inside the blob folder, or content."""

from base64 import b64encode
from typing import Any

import pytest
from pydantic import ValidationError

from handoff_contracts.files import MAX_CONTENT_BYTES, FileRef


@pytest.mark.parametrize("path", ["a", "a/b.pdf", "2026/Rechnung ü (1).pdf", "..a/b..", "a/...", ".hidden"])
def test_valid_paths(path: str) -> None:
    assert FileRef(path=path).filename == path.rpartition("/")[2]


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "a\\b", "C:a", "a\x00b"),
        "a\n",
        "x" * 1025,
    ],
)
def test_invalid_paths(path: str) -> None:
    with pytest.raises(ValidationError):
        FileRef(path=path)


def test_content_decodes_to_its_bytes() -> None:
    for content in (b"", b"a", b"ab", b"abc", bytes(range(256)), b"x" * MAX_CONTENT_BYTES):
        assert FileRef(content=b64encode(content).decode()).decoded == content
    assert FileRef(path="a").decoded is None


@pytest.mark.parametrize("content", ["A", "A===", "AA", "AA=A", "AAAA\n", "AA==AAAA", "AA-_", "ÄAAA", "A" * 699_056])
def test_content_that_is_not_base64_or_too_long(content: str) -> None:
    with pytest.raises(ValidationError):
        FileRef(content=content)


@pytest.mark.parametrize(
    "fields", [{}, {"path": "a", "content": "AAAA"}, {"path": None, "content": None}, {"url": "x"}]
)
def test_a_file_needs_exactly_one_of_path_and_content(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FileRef(**fields)


@pytest.mark.parametrize("name", ["a/b", "..\\a", "a\r\nb", "invoice\u202efdp.exe", 'a"b', "", "x" * 201])
def test_invalid_names(name: str) -> None:
    with pytest.raises(ValidationError):
        FileRef(path="a", name=name)


@pytest.mark.parametrize(
    "media_type", ["pdf", "application/", "multipart/mixed", "message/rfc822", "text/a; b=c", "a/b"]
)
def test_invalid_media_types(media_type: str) -> None:
    with pytest.raises(ValidationError):
        FileRef(path="a", media_type=media_type)


def test_the_repr_does_not_contain_the_content() -> None:
    assert "c2VjcmV0" not in repr(FileRef(content="c2VjcmV0"))
