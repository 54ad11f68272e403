"""What the demo does without a stack: read tokens, count a log."""

from pathlib import Path

import pytest

from demo import SENTENCE, differences, read_tokens


def test_without_a_file_there_are_ten_thousand_different_tokens() -> None:
    assert len(set(read_tokens(None))) == 10_000


def test_blank_lines_and_repetitions_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("\ufeffone\r\n\n  \ntwo\none\n", encoding="utf-8")
    assert read_tokens(str(file)) == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file"),
        (b"", "holds no token"),
        (b"\n \n", "holds no token"),
        (b"\xff\xfe\xff", "not UTF-8 text"),
    ],
)
def test_an_unusable_file_is_told(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    file = tmp_path / "tokens"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        read_tokens(str(file))


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (["a", "b"], []),
        (["b", "a"], []),
        (["a"], ["1 missing"]),
        (["a", "b", "b", "b"], ["2 repeated"]),
        (["a", "b", "c"], ["1 unknown"]),
        (["b", "b", "c"], ["1 missing", "1 repeated", "1 unknown"]),
    ],
)
def test_the_log_has_to_hold_each_token_once(tmp_path: Path, sent: list[str], found: list[str]) -> None:
    log = tmp_path / "notification.log"
    log.write_text("".join(f"{SENTENCE}{token}\n" for token in sent))
    assert differences(log, ["a", "b"]) == found
