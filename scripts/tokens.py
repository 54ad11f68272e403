"""Reads the device tokens for the demo."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from handoff_api.batch_packing import MAX_BATCH_ITEMS
from handoff_contracts.tasks.push_send import DeviceToken


def counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def read_lines(file: str) -> dict[int, str]:
    """Return the stripped lines of the file by number, from 1. Blank lines are left out.

    Raises:
        ValueError: the file cannot be read.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"The tokens in {file} cannot be read: {reason}.") from error
    return {number: line.strip() for number, line in enumerate(lines, 1) if line.strip()}


def read_tokens(file: str | None) -> tuple[list[str], int]:
    """Return the distinct tokens, one a line, and the number of repeated lines. Without a file: 10,000 tokens.

    Raises:
        ValueError: the file cannot be read, or contains no token, too many tokens, or a token that the API rejects.
    """
    if file is None:
        return [f"demo-device-{number:05}" for number in range(10_000)], 0
    lines = read_lines(file)
    if not lines:
        raise ValueError(f"{file} contains no token. Write one token on each line.")
    tokens = list(dict.fromkeys(lines.values()))
    if len(tokens) > MAX_BATCH_ITEMS:
        raise ValueError(f"{file} contains {len(tokens):,} tokens: a batch takes {MAX_BATCH_ITEMS:,} at most.")
    try:
        TypeAdapter(list[DeviceToken]).validate_python(list(lines.values()))
    except ValidationError as error:
        wrong = error.errors()
        first = list(lines)[int(wrong[0]["loc"][0])]
        others = f" ({len(wrong):,} lines are wrong.)" if len(wrong) > 1 else ""
        raise ValueError(f"Line {first} of {file} is no device token: {wrong[0]['msg']}.{others}") from None
    return tokens, len(lines) - len(tokens)
