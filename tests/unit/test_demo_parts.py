"""The demo reads tokens and checks the notification log."""

from pathlib import Path

import pytest

from demo import SENTENCE, differences
from handoff_api.batch_packing import MAX_BATCH_ITEMS
from tokens import counted, read_tokens


def test_without_a_file_there_are_ten_thousand_distinct_tokens() -> None:
    tokens, repeated = read_tokens(None)
    assert (len(tokens), len(set(tokens)), repeated) == (10_000, 10_000, 0)


def test_blank_lines_and_repetitions_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("\ufeffone\r\n\n  \ntwo\none\n one\n", encoding="utf-8")
    assert read_tokens(str(file)) == (["one", "two"], 2)


def test_a_batch_has_at_most_the_items_of_the_api(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    tokens = [str(number) for number in range(MAX_BATCH_ITEMS)]
    file.write_text("\n".join([*tokens, "7"]))
    assert read_tokens(str(file)) == (tokens, 1)
    file.write_text("\n".join([*tokens, "one more"]))
    with pytest.raises(ValueError, match=r"contains 100,001 tokens: a batch takes 100,000 at most\.$"):
        read_tokens(str(file))


def test_one_is_singular() -> None:
    assert [counted(number, "push", "pushes") for number in (1, 2, 1000)] == ["1 push", "2 pushes", "1,000 pushes"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file"),
        (b"", "contains no token"),
        (b"\n \n", "contains no token"),
        (b"\xff\xfe\xff", "not UTF-8 text"),
        (b"good\n\ngood\nnot good\n", r"^Line 4 of .*tokens is no device token: String should match pattern .*\.$"),
        (b"a b\n" + b"x" * 4097, r"^Line 1 of .*\. \(2 lines are wrong\.\)$"),
    ],
)
def test_an_unusable_file_is_an_error(tmp_path: Path, content: bytes | None, sentence: str) -> None:
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
def test_the_log_must_contain_each_token_once(tmp_path: Path, sent: list[str], found: list[str]) -> None:
    log = tmp_path / "notification.log"
    log.write_text("".join(f"{SENTENCE}{token}\n" for token in sent))
    assert differences(log, ["a", "b"]) == found
